/** Tells people and programs what became of runs. Nothing here can fail a run: it is asked after the run has ended, and never throws. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { NotifySettings } from '../config.ts'
import { messageOf } from '../errors.ts'
import { signalGroup } from '../process-identity.ts'
import type { Delivery, Notice, NoticeTable } from './store/notice-rows.ts'
import type { Channel } from './store/tables.ts'

const timeoutMs = 10_000
const firstDelayMs = 30_000
const maxDelayMs = 3_600_000
const maxTries = 8

/** Tries everything that is due, once. @returns how many could not be delivered */
export async function deliverNotices(notices: NoticeTable, settings: NotifySettings, now: () => Date): Promise<number> {
  const channels: readonly Channel[] = [
    ...(settings.command === null ? [] : (['command'] as const)),
    ...(settings.webhook === null ? [] : (['webhook'] as const)),
  ]
  notices.settle({ channels, kinds: settings.kinds })
  let failures = 0
  for (let delivery = notices.claim(); delivery !== null; delivery = notices.claim()) {
    const problem = await problemOf(delivery, settings)
    if (problem === null) notices.sent(delivery)
    else notices.failed(delivery, problem, nextTry(delivery.tries, now()))
    failures += problem === null ? 0 : 1
  }
  return failures
}

/** Exponential: doubled for each further try; null: enough. */
function nextTry(tries: number, now: Date): Date | null {
  return tries >= maxTries ? null : new Date(now.getTime() + Math.min(maxDelayMs, firstDelayMs * 2 ** (tries - 1)))
}

async function problemOf({ channel, notice }: Delivery, { command, webhook }: NotifySettings): Promise<string | null> {
  const address = channel === 'command' ? command : webhook
  if (address === null) return `no ${channel} is configured any more`
  try {
    return await (channel === 'command' ? runCommand(address, notice) : post(address, notice))
  } catch (error) {
    return messageOf(error).slice(0, 500)
  }
}

async function post(url: string, notice: Notice): Promise<string | null> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(notice),
    signal: AbortSignal.timeout(timeoutMs),
  })
  await response.body?.cancel()
  return response.ok ? null : `the webhook answered ${response.status}`
}

/** The facts are in its environment and on its stdin, never in its text: nothing of them is interpreted by the shell. */
async function runCommand(command: string, notice: Notice): Promise<string | null> {
  const child = spawn('/usr/bin/env', [...variablesOf(notice), 'sh', '-c', command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  })
  const timer = setTimeout(() => signalGroup(child.pid ?? 0, 'SIGKILL'), timeoutMs)
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-500)
  })
  // A command that does not read its input is none the worse for it.
  child.stdin.on('error', () => {}).end(JSON.stringify(notice))
  const [code, signal] = await once(child, 'exit')
  clearTimeout(timer)
  if (code === 0) return null
  return `${code === null ? `it was ended by ${signal}` : `exit code ${code}`}${complaint === '' ? '' : `: ${complaint.trim()}`}`
}

function variablesOf(notice: Notice): readonly string[] {
  const { kind, dag, session, run, attempt, reason, at } = notice
  const title = `${kind}: ${dag} ${session}`
  const facts = { title, kind, dag, session, run: run ?? '', attempt: String(attempt ?? ''), reason: reason ?? '', at }
  return Object.entries(facts).map(([name, value]) => `DAG_NOTICE_${name.toUpperCase()}=${value.replaceAll('\0', '')}`)
}

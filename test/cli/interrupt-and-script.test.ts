/** A run that was interrupted and resumed, and a script without a scheduler: both end with the same bytes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore, type TryRecord } from '../../src/scheduler/store.ts'
import { eventually, listing, month, outcomeOf, outcomeShape, Place, sh, startDag } from './support.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

const runId = `${month}__20260420_060000`
const request = ['main', '--session', '2026-04-20 06:00:00', '--param', `dump_month=${month}`]
const otherLake = join(place.dir, 'other-lake')

test('SIGINT during ingest ends with 130, cancels the run and leaves no process behind; retry completes it', async () => {
  await place.generate()
  const child = startDag(['trigger', ...request], place.env)
  const ended = outcomeOf(child)
  await eventually('reading a dump', () => (isReading() ? true : null))
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  assert.equal(code, 130, stdout + stderr)
  assert.match(stderr, /SIGINT: stopping the tasks/)
  assert.match(stdout, new RegExp(`run ${runId} . cancelled`))
  assert.deepEqual(
    tries().filter((one) => one.endedAt === null || isAlive(one.pid)),
    [],
  )

  const cancelled = tries()
    .filter((one) => one.state !== 'success')
    .map((one) => one.taskId)
  // On a busy machine the last ingest may have ended before the signal came.
  assert.ok(cancelled.length > 0 && cancelled.every((id) => id.startsWith('ingest.') || id === 'build'), cancelled.join(', '))
  assert.equal(existsSync(place.runDir(runId)), false)
  const retried = await place.json(outcomeShape, 'retry', runId)
  assert.equal(retried.state, 'success')
  assert.deepEqual(
    retried.tasks
      .filter((task) => task.carriedFrom !== null)
      .map((task) => task.taskId)
      .slice(0, 5),
    ['preflight', ...['releases', 'masters', 'labels', 'artists'].map((dump) => `download.${dump}`)],
  )
})

test('the compiled script, without any scheduler state, gives the same files and manifest byte for byte', async () => {
  const { code, stdout, stderr } = await script('dev', await compiled())
  assert.equal(code, 0, stderr)
  assert.match(stdout, /promote: skipped: guardrail: .*run_mode is dev, not prod/)
  assert.match(stdout, new RegExp(`done: run ${runId}\n$`))
  assert.deepEqual(sealed(otherLake), sealed(place.lakeDir))
  assert.equal(existsSync(join(otherLake, 'active')), false)
})

test('a script asked to publish stops at promote and says why: no check result is on record', async () => {
  // Run, session and commands are those of the run that the script above has just sealed; what is left to do starts at promote.
  const text = await compiled('--param', 'run_mode=prod', '--param', 'allow_promote=true')
  const [head, tail] = [text.indexOf('\nexport TASK_ID=preflight\n'), text.indexOf('\nexport TASK_ID=promote\n')]
  assert.ok(head > 0 && tail > head, text)
  const { code, stdout, stderr } = await script('prod', text.slice(0, head) + text.slice(tail))
  assert.equal(code, 78)
  assert.match(stderr, /no recorded check results/)
  assert.doesNotMatch(stdout, /report: run|done: run/)
  assert.equal(existsSync(join(otherLake, 'active')), false)
})

async function compiled(...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.dag('compile', ...request, ...more, '--format', 'sh')
  assert.equal(code, 0, stderr)
  return stdout
}

/** Runs a script in the other lake, and without DAG_STATE. */
function script(name: string, text: string): ReturnType<typeof sh> {
  const { DAG_STATE: _, ...rest } = place.env
  const file = join(place.dir, `${name}.sh`)
  writeFileSync(file, text)
  return sh(file, { ...rest, DISCOGS_DATA_LAKE: otherLake })
}

/** What the seal covers: everything of the run but its reports. */
function sealed(lakeDir: string): Readonly<Record<string, string>> {
  const entries = Object.entries(listing(join(lakeDir, '_runs', runId))).filter(([name]) => !name.startsWith('_reports'))
  assert.ok(entries.some(([name]) => name === '_manifest.json') && entries.some(([name]) => name.endsWith('.parquet')))
  return Object.fromEntries(entries)
}

function isReading(): boolean {
  if (!existsSync(join(place.stateDir, 'scheduler.db'))) return false
  const all = tries()
  // The first ingest does not wait for the dumps of the others.
  if (all.filter((one) => one.taskId.startsWith('download.') && one.state === 'success').length < 4) return false
  return all.some((one) => one.taskId.startsWith('ingest.') && one.endedAt === null && textOf(one.logFile).includes('reading '))
}

function tries(): readonly TryRecord[] {
  using store = openStore(place.stateDir, { readonly: true })
  return store.findSession('main', '2026-04-20 06:00:00') === null ? [] : store.tries(runId)
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && process.kill(pid, 0)
  } catch {
    return false
  }
}

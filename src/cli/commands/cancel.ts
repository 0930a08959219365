import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { schedulerHolder } from '../../scheduler/lease.ts'
import { cancelDeferred } from '../../scheduler/loop.ts'
import { wakeScheduler } from '../../scheduler/requests.ts'
import { seenRun } from '../../scheduler/seen-state.ts'
import { isFinal } from '../../scheduler/states.ts'
import { openStore, type Store } from '../../scheduler/store.ts'
import { runHelp } from '../latest.ts'
import { print, printJson } from '../output.ts'
import { whoami } from '../pointer.ts'
import { runIdOf, taskOf } from '../runs.ts'
import { examples } from './options.ts'

interface Options {
  readonly reason: string
  readonly json?: boolean
}

/** `dag cancel <run> [task]` */
export function cancelCommand(): Command {
  return new Command('cancel')
    .description('stops a run, or one task of it, whoever runs it; returns when that has been done')
    .argument('<run>', runHelp)
    .argument('[task]', 'default: the whole run')
    .option('--reason <text>', 'kept in the state', 'by hand')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Tasks get SIGTERM, and SIGKILL 3 s later. \`dag retry\` resumes the run.
${examples('dag cancel latest', 'dag cancel latest ingest.releases --reason "wrong dump"')}`,
    )
    .action(async (given: string, taskId: string | undefined, { reason, json = false }: Options) => {
      const config = loadConfig()
      const { stateDir } = config
      using store = openStore(stateDir)
      const runId = runIdOf(store, given)
      if (seenRun(store, store.run(runId)).state === 'deferred') {
        // Nobody runs it who could take a request; without the task it waits for, nothing is left of it.
        await cancelDeferred(runId, `cancelled by ${whoami()}: ${reason}`, { config })
        const note = `run ${runId} is ${store.run(runId).state}`
        return json ? printJson({ runId, taskId: taskId ?? null, state: 'done', note }) : print(note)
      }
      const id = request(store, { runId, taskId, reason })
      wakeScheduler(stateDir)
      const { state, note } = await answer(store, id)
      if (json) printJson({ runId, taskId: taskId ?? null, state, note })
      else print(note ?? state)
      if (state !== 'done') process.exitCode = exitCodes.failed
      return undefined
    })
}

interface Wanted {
  readonly runId: string
  readonly taskId: string | undefined
  readonly reason: string
}

/** In one transaction: the end of a run answers what is asked by then, and nobody would answer after it. @returns the request's id */
function request(store: Store, { runId, taskId, reason }: Wanted): number {
  return store.change.transaction(() => {
    assertRunning(store, runId, taskId)
    return store.requests.add({ runId, taskId: taskId ?? null, who: whoami(), reason })
  })
}

/** @throws PipelineError (exit 3) */
function assertRunning(store: Store, runId: string, taskId: string | undefined): void {
  const run = store.run(runId)
  const task = taskId === undefined ? null : taskOf(store, runId, taskId)
  if (run.state !== 'running') throw refusal(`run ${runId} is ${run.state}: there is nothing to cancel`)
  if (task !== null && isFinal(task.state))
    throw refusal(`task ${task.taskId} of run ${runId} is ${task.state}: there is nothing to cancel`)
  if (schedulerHolder(store)?.isAlive === true) return
  throw refusal(
    `run ${runId} is interrupted, its scheduler was killed: there is nothing to cancel`,
    `\`dag retry ${runId}\` resumes it`,
  )
}

function refusal(message: string, hint?: string): PipelineError {
  return new PipelineError(message, { exitCode: exitCodes.conflict, retryable: false, ...(hint === undefined ? {} : { hint }) })
}

async function answer(store: Store, id: number) {
  for (const end = performance.now() + 30_000; performance.now() < end; await sleep(50)) {
    const request = store.requests.get(id)
    if (request.state !== 'open') return request
  }
  throw new PipelineError('the scheduler has not answered within 30 s', { hint: '`dag doctor` says who it is' })
}

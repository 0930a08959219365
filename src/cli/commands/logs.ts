import { existsSync, readFileSync, statSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { suggest } from '../../scheduler/nearest.ts'
import type { Store, TryRecord } from '../../scheduler/store.ts'
import { readStore, runIdOf } from '../runs.ts'

interface Options {
  readonly follow?: boolean
  readonly try?: string
}

/** `dag logs <run> <task>` */
export function logsCommand(): Command {
  return new Command('logs')
    .description('prints the log of a task')
    .argument('<run>', 'run id, or latest')
    .argument('<task>')
    .option('-f, --follow', 'go on until the task ends')
    .option('--try <number>', 'default: the latest try')
    .addHelpText('after', '\nExample:\n  dag logs latest ingest.releases -f')
    .action(async (given: string, taskId: string, { follow = false, try: tryNumber }: Options) => {
      using store = readStore(loadConfig())
      const wanted = tryOf(store, runIdOf(store, given), taskId, tryNumber)
      if (follow) await followLog(store, wanted)
      else if (existsSync(wanted.logFile)) process.stdout.write(readFileSync(wanted.logFile))
    })
}

function tryOf(store: Store, runId: string, taskId: string, tryNumber: string | undefined): TryRecord {
  const tries = store.tries(runId)
  const ofTask = tries.filter((one) => one.taskId === taskId && (tryNumber === undefined || one.tryNumber === Number(tryNumber)))
  const latest = ofTask.at(-1)
  if (latest !== undefined) return latest
  const known = [...new Set(store.tasks(runId).map((task) => task.taskId))]
  const started = known.includes(taskId)
  throw new PipelineError(
    started
      ? `task ${taskId} of run ${runId} has not had ${tryNumber === undefined ? 'a try yet' : `a try ${tryNumber}`}`
      : `run ${runId} has no task ${taskId}`,
    {
      exitCode: exitCodes.notFound,
      retryable: false,
      hint:
        suggest(
          taskId,
          known.filter((one) => one !== taskId),
        ) ?? `its tasks are ${known.join(', ')}`,
    },
  )
}

/** Prints what is there, then what comes, until the try has ended. */
async function followLog(store: Store, { runId, attempt, taskId, tryNumber, logFile }: TryRecord): Promise<void> {
  const isOver = (): boolean =>
    store.tries(runId).find((one) => one.attempt === attempt && one.taskId === taskId && one.tryNumber === tryNumber)?.endedAt !==
    null
  await using handle = await open(logFile)
  let printed = 0
  for (;;) {
    // Asked before the last read: what the task wrote until its end is then printed.
    const over = isOver()
    const { size } = statSync(logFile)
    if (size > printed) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - printed), 0, size - printed, printed)
      printed += bytesRead
      process.stdout.write(buffer.subarray(0, bytesRead))
    }
    if (over) return
    await changed(dirname(logFile))
  }
}

/** Until something happens in the directory, at most a second. */
async function changed(directory: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const watcher = watch(directory, () => resolve())
  const timer = setTimeout(resolve, 1000)
  await promise
  clearTimeout(timer)
  watcher.close()
}

import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import type { Store, TryRecord } from '../../scheduler/store.ts'
import { runHelp } from '../latest.ts'
import { followTask } from '../follow.ts'
import { printJson } from '../output.ts'
import { readStore, runIdOf, taskOf } from '../runs.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly follow?: boolean
  readonly attempt?: number
  readonly try?: number
  readonly json?: boolean
}

/** `dag logs <run> <task>` */
export function logsCommand(): Command {
  return new Command('logs')
    .description('prints the log of a task')
    .argument('<run>', runHelp)
    .argument('<task>')
    .option('-f, --follow', 'wait for more until the task ends, further tries included')
    .option('--attempt <number>', 'default: the latest in which it ran', countOption)
    .option('--try <number>', 'default: the latest', countOption)
    .option('--json', 'print where the log lies, and its lines, as JSON')
    .addHelpText(
      'after',
      `
With --follow the exit code is the task's outcome: 0 success or skipped, 1 anything else. Ctrl-C ends the following alone (130).
${examples('dag logs latest ingest.releases -f', 'dag logs latest build --try 1')}`,
    )
    .action(async (given: string, taskId: string, options: Options) => {
      using store = readStore(loadConfig())
      const runId = runIdOf(store, given)
      taskOf(store, runId, taskId)
      if (options.follow === true && options.json !== true && options.try === undefined && options.attempt === undefined) {
        const hasEnded = await followTask(store, runId, taskId, (piece) => process.stdout.write(piece))
        if (!hasEnded)
          process.stderr.write(`run ${runId} is interrupted, its scheduler was killed: \`dag retry ${runId}\` resumes it\n`)
        const { state } = taskOf(store, runId, taskId)
        if (state !== 'success' && state !== 'skipped') process.exitCode = exitCodes.failed
        return
      }
      const wanted = tryOf(store, { runId, taskId, ...options })
      const exists = existsSync(wanted.logFile)
      if (options.json === true) printJson({ ...wanted, lines: exists ? linesOf(readFileSync(wanted.logFile, 'utf8')) : [] })
      // Piece by piece: a log may be larger than the memory.
      else if (exists) await pipeline(createReadStream(wanted.logFile), process.stdout, { end: false })
    })
}

interface Wanted extends Options {
  readonly runId: string
  readonly taskId: string
}

function tryOf(store: Store, { runId, taskId, attempt, try: tryNumber }: Wanted): TryRecord {
  const tries = store.tries(runId).filter((one) => one.taskId === taskId && (attempt ?? one.attempt) === one.attempt)
  const latest = tries.findLast((one) => (tryNumber ?? one.tryNumber) === one.tryNumber)
  if (latest !== undefined) return latest
  const state = store.tasks(runId).find((task) => task.taskId === taskId)?.state ?? 'unknown'
  const had = tries.map((one) => `${one.attempt}.${one.tryNumber}`).join(', ')
  throw new PipelineError(`task ${taskId} of run ${runId} has no such log: it is ${state}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: had === '' ? 'it has not been started' : `it has had these (attempt.try): ${had}`,
  })
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

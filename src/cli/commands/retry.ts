import { Command, Option } from 'commander'
import { loadConfig } from '../../config.ts'
import { retryRun } from '../../scheduler/loop.ts'
import { untilEnded } from '../deferred.ts'
import { execute } from '../execute.ts'
import { runHelp } from '../latest.ts'
import { printOutcome } from '../outcome.ts'
import { readStore, runIdOf } from '../runs.ts'
import { examples } from './options.ts'

interface Options {
  readonly task?: string
  readonly downstream?: boolean
  readonly rebind?: boolean
  readonly bySchedule?: boolean
  readonly json?: boolean
}

/** `dag retry <run>` */
export function retryCommand(): Command {
  return new Command('retry')
    .description('resumes a run that failed or was stopped: what succeeded is kept, the rest runs again')
    .argument('<run>', runHelp)
    .option('--task <task>', 'run this task again although it has succeeded')
    .option('--downstream', 'with --task: and everything below it')
    .option('--rebind', 'go on in the lake and with the raw directory of the settings')
    .addOption(new Option('--by-schedule', 'nobody has asked for it: too often in vain ends the run').hideHelp())
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', examples('dag retry 2026-04__20260420_060000', 'dag retry latest --task report'))
    .action(async (given: string, { task, downstream = false, rebind = false, bySchedule = false, json = false }: Options) => {
      const config = loadConfig()
      const runId = runIdHere(given)
      const redo = task === undefined ? {} : { redo: { taskId: task, downstream } }
      const { outcome, exitCode } = await execute({ config, json }, async (settings) => {
        const first = await retryRun(runId, { config, rebind, isAutomatic: bySchedule, ...redo, ...settings })
        return bySchedule ? first : untilEnded(first, { config, ...settings })
      })
      printOutcome(config, outcome, json)
      process.exitCode = exitCode
    })
}

function runIdHere(given: string): string {
  using store = readStore(loadConfig())
  return runIdOf(store, given)
}

import { Command, Option } from 'commander'
import { loadConfig } from '../../config.ts'
import { triggerRun } from '../../scheduler/loop.ts'
import { parseSession, sessionOf } from '../../scheduler/session.ts'
import { loadDag } from '../dags.ts'
import { untilEnded } from '../deferred.ts'
import { execute } from '../execute.ts'
import { printOutcome } from '../outcome.ts'
import { collectParam, paramHelp, sessionHelp } from './options.ts'

interface Options {
  readonly session?: string
  readonly param: Readonly<Record<string, string>>
  readonly bySchedule?: boolean
  readonly json?: boolean
}

/** `dag trigger <dag>` */
export function triggerCommand(): Command {
  return new Command('trigger')
    .description('runs a dag for a session, in the foreground')
    .argument('<dag>')
    .option('--session <instant>', sessionHelp)
    .option('--param <name=value>', paramHelp, collectParam, {})
    .addOption(new Option('--by-schedule', 'the run is recorded as one of the schedule').hideHelp())
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  dag trigger main --session "2026-04-20 06:00:00" --param dump_month=2026-04\n  dag trigger main --param run_mode=prod --param allow_promote=true   checks passed: it is published',
    )
    .action(async (name: string, { session: given, param, bySchedule = false, json = false }: Options) => {
      const config = loadConfig()
      const dag = await loadDag(config, name)
      const session = given === undefined ? sessionOf(new Date()) : parseSession(given)
      const trigger = bySchedule ? 'schedule' : 'manual'
      const { outcome, exitCode } = await execute({ config, json }, async (settings) => {
        const first = await triggerRun({ dag, session, params: param, config, trigger, ...settings })
        // The daemon continues it when its time has come.
        return bySchedule ? first : untilEnded(first, { config, ...settings })
      })
      printOutcome(config, outcome, json)
      process.exitCode = exitCode
    })
}

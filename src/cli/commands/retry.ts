import { Command, Option } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { type RetryOptions, retryRun } from '../../scheduler/loop.ts'
import { compile } from '../../scheduler/plan.ts'
import { planChanges } from '../../scheduler/plan-changes.ts'
import { loadDag } from '../dags.ts'
import { untilEnded } from '../deferred.ts'
import { execute } from '../execute.ts'
import { runHelp } from '../latest.ts'
import { printOutcome } from '../outcome.ts'
import { readStore, runIdOf } from '../runs.ts'
import { collectParam, examples } from './options.ts'

interface Options {
  readonly task?: string
  readonly downstream?: boolean
  readonly rebind?: boolean
  readonly replan?: boolean
  readonly param: Readonly<Record<string, string>>
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
    .option('--replan', "use the dag's definition as it is now, and say what has changed")
    .option('--param <name=value>', 'a new value; kept tasks that read it run again', collectParam, {})
    .option('--rebind', 'go on in the lake and with the raw directory of the settings')
    .addOption(new Option('--by-schedule', 'nobody has asked for it: too often in vain ends the run').hideHelp())
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
The plan and the params are those of the attempt before. --replan takes the dag file as it is now: tasks whose command or upstream has changed run
again. --param runs those tasks again that read the param; a higher limit, such as quarantine_cap, keeps what has passed. A param that is part
of the run's id, such as dump_month, is refused.
${examples('dag retry 2026-04__20260420_060000', 'dag retry latest --task report', 'dag retry latest --replan', 'dag retry latest --param quarantine_cap=3')}`,
    )
    .action(async (given: string, options: Options) => {
      const { task, downstream = false, rebind = false, bySchedule = false, json = false } = options
      const config = loadConfig()
      const runId = runIdHere(given)
      const definition = await definitionFor(config, runId, options)
      const redo = task === undefined ? {} : { redo: { taskId: task, downstream } }
      const { outcome, exitCode } = await execute({ config, json }, async (settings) => {
        const first = await retryRun(runId, { config, rebind, isAutomatic: bySchedule, ...definition, ...redo, ...settings })
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

/** The dag as it is now, when it is asked for. With --replan, what has changed since the attempt before is said on stderr. */
async function definitionFor(
  config: Config,
  runId: string,
  { replan = false, param }: Options,
): Promise<Pick<RetryOptions, 'dag' | 'keepPlan' | 'params'>> {
  const hasParams = Object.keys(param).length > 0
  if (!replan && !hasParams) return {}
  using store = readStore(config)
  const dag = await loadDag(config, store.run(runId).dagId)
  if (replan) {
    const changes = planChanges(store.planOf(runId), compile(dag, config))
    const heading = changes.length === 0 ? 'the definition has not changed' : 'the definition has changed:'
    process.stderr.write([heading, ...changes.map((change) => `  ${change}`), ''].join('\n'))
  }
  return { dag, keepPlan: !replan, ...(hasParams ? { params: param } : {}) }
}

import { Command, Option } from 'commander'
import { loadConfig } from '../../config.ts'
import {
  type BackfillOptions,
  type BackfillOutcome,
  type BackfillStep,
  planBackfill,
  runBackfill,
} from '../../scheduler/backfill.ts'
import { loadDag } from '../dags.ts'
import { executeAll } from '../execute.ts'
import { oneLine, print, printJson, shownState, table } from '../output.ts'
import { readStore } from '../runs.ts'
import { collectParam, countOption, examples, paramHelp } from './options.ts'

interface Options {
  readonly from: string
  readonly to: string
  readonly maxParallel: number
  readonly order: 'asc' | 'desc'
  readonly rerun?: 'failed'
  readonly dryRun?: boolean
  readonly param: Readonly<Record<string, string>>
  readonly json?: boolean
}

/** `dag backfill <dag>` */
export function backfillCommand(): Command {
  return new Command('backfill')
    .description('runs the past: one run for every slot of the schedule so far; runs that exist are left alone')
    .argument('<dag>')
    .requiredOption('--from <day>', "first month or day, YYYY-MM or YYYY-MM-DD, in the schedule's time zone")
    .requiredOption('--to <day>', 'last month or day, included')
    .option('--max-parallel <count>', 'how many runs at once', countOption, 1)
    .addOption(new Option('--order <order>', 'oldest or newest first').choices(['asc', 'desc']).default('asc'))
    .addOption(new Option('--rerun <which>', 'resume runs that failed, were cancelled or interrupted').choices(['failed']))
    .option('--param <name=value>', paramHelp, collectParam, {})
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'dag backfill main --from 2025-06 --to 2026-01 --dry-run',
        'dag backfill main --from 2025-06 --to 2026-01 --order desc --param run_mode=test',
        'dag backfill main --from 2025-06 --to 2026-01 --rerun failed',
      ),
    )
    .action(backfill)
}

async function backfill(name: string, options: Options): Promise<void> {
  const config = loadConfig()
  const { from, to, order, maxParallel, param, json = false } = options
  const dag = await loadDag(config, name)
  const request = { config, dag, days: { from, to }, order, maxParallel, params: param, rerunFailed: options.rerun === 'failed' }
  const steps = stepsOf(request)
  if (options.dryRun === true) {
    showPlan(steps, json)
    return
  }
  const total = steps.filter((step) => step.action !== 'none').length
  let begun = 0
  const onBegin = (step: BackfillStep): void => {
    begun += 1
    if (!json) print(`${begun} of ${total}  ${step.action} ${step.session}  ${step.runId}`)
  }
  const start = (settings: Pick<BackfillOptions, 'onEvent' | 'signal'>) => runBackfill({ ...request, ...settings }, onBegin)
  const { result, exitCode } = await executeAll({ config, json, lines: true }, start, (runs) => runs.every(isGood))
  if (json)
    printJson(
      result.map(({ outcome, ...step }) => ({ ...step, outcome: outcome?.state ?? null, reason: outcome?.reason ?? null })),
    )
  else showOutcome(result)
  process.exitCode = exitCode
}

function stepsOf(request: BackfillOptions): readonly BackfillStep[] {
  using store = readStore(request.config)
  return planBackfill(store, request)
}

/** A run that was left alone does not count against the backfill, whatever became of it. */
function isGood({ action, outcome }: BackfillOutcome): boolean {
  return action === 'none' || outcome?.state === 'success'
}

const actions: Readonly<Record<Exclude<BackfillStep['action'], 'none'>, string>> = { trigger: 'would run', retry: 'would resume' }

function whyNone(state: BackfillStep['state']): string {
  return state === null ? 'still to come' : 'left alone'
}

function showPlan(steps: readonly BackfillStep[], json: boolean): void {
  if (json) return printJson(steps)
  if (steps.length === 0) return print('the schedule has no slot on these days')
  const rows = steps.map(({ session, runId, action, state }) => [
    session,
    runId,
    state === null ? '' : shownState(state),
    action === 'none' ? whyNone(state) : actions[action],
  ])
  print(table(['?session', '!run', '!state', ''], rows))
}

function showOutcome(outcomes: readonly BackfillOutcome[]): void {
  if (outcomes.length === 0) return print('the schedule has no slot on these days')
  const rows = outcomes.map((step) => [step.session, step.runId, ...cellsOf(step)])
  print(`\n${table(['?session', '!run', '!state', 'note'], rows)}`)
}

function cellsOf({ action, state, outcome, error }: BackfillOutcome): readonly [string, string] {
  if (outcome !== null) return [shownState(outcome.state), oneLine(outcome.reason ?? '')]
  if (error !== null) return [state === null ? '' : shownState(state), oneLine(error)]
  return [state === null ? '' : shownState(state), action === 'none' ? whyNone(state) : 'not begun']
}

import { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { resolveActive } from '../../lake/pointer.ts'
import { between, print, printJson, shownState, table } from '../output.ts'
import { ownLakeOf } from '../../scheduler/binding.ts'
import { type SeenRun, seenRuns } from '../../scheduler/seen-state.ts'
import { recoverPointerIfPossible } from '../pointer.ts'
import { showStats } from '../run-stats.ts'
import { readStore } from '../runs.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly limit: number
  readonly stats?: boolean
  readonly json?: boolean
}

/** `dag runs` */
export function runsCommand(): Command {
  return new Command('runs')
    .description('lists runs, newest first; * marks the published one')
    .option('--limit <count>', 'how many at most', countOption, 20)
    .option('--stats', 'durations of the latest successful run of each dag against those before it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A run whose scheduler was killed is \`interrupted\`: \`dag retry\` resumes it.
${examples('dag runs', 'dag runs --limit 5 --json', 'dag runs --stats')}`,
    )
    .action(({ limit, stats = false, json = false }: Options) => {
      const config = loadConfig()
      recoverPointerIfPossible(config)
      using store = readStore(config)
      if (stats) {
        showStats(store, limit, json)
        return
      }
      const runs = seenRuns(store, store.runs({ limit }))
      const isActive = activeOf(config, runs)
      if (json) {
        printJson(runs.map((run) => ({ ...run, active: isActive(run) })))
        return
      }
      if (runs.length === 0) print('no runs yet: npm start, or dag trigger main')
      const rows = runs.map((run) => [
        isActive(run) ? '*' : '',
        run.runId,
        run.dagId,
        run.session,
        shownState(run.state),
        run.attempt,
        between(run.createdAt, run.endedAt),
      ])
      if (runs.length > 0) print(table(['!', '!run', '!dag', '?session', '!state', '?>attempt', '>duration'], rows))
    })
}

/** Each lake of these runs is looked at once. @returns whether a run is the published one of its lake */
function activeOf(config: Config, runs: readonly SeenRun[]): (run: SeenRun) => boolean {
  const lakes = new Set(runs.map((run) => ownLakeOf(run, config.lakeDir)))
  const active = new Map([...lakes].map((lake) => [lake, resolveActive(lake)?.runId]))
  return (run) => active.get(ownLakeOf(run, config.lakeDir)) === run.runId
}

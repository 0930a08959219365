import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { findGarbage, type Garbage, type Keep, removeGarbage } from '../../lake/retention.ts'
import { openStore, type Store } from '../../scheduler/store.ts'
import { HistoryRuns } from '../gc/history.ts'
import { type OldFiles, oldLogs, removeLogs } from '../gc/old-logs.ts'
import { print, printJson, size, table } from '../output.ts'
import { recoverPointer } from '../pointer.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly keep: number
  readonly logDays: number
  readonly stagingDays: number
  readonly yes?: boolean
  readonly json?: boolean
}

const dayMs = 86_400_000

/** `dag gc` */
export function gcCommand(): Command {
  return new Command('gc')
    .description(
      'removes snapshots that nothing refers to, staging that was left behind, old logs; without --yes it only says what',
    )
    .option('--keep <count>', 'the newest snapshots, which stay anyway', countOption, 3)
    .option('--log-days <days>', 'logs and result files of runs that ended before', countOption, 90)
    .option('--staging-days <days>', 'staging of runs that ended, or were written, before', countOption, 14)
    .option('--yes', 'remove it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
What \`active\`, an \`active__prev_…\` link, the history or a run that goes on refers to always stays. So do the rows of the state, events
included. A snapshot gets another name under the lock of all promotions before it is removed: no reader meets half of one.
${examples('dag gc', 'dag gc --keep 6 --log-days 30 --yes')}`,
    )
    .action(async (options: Options) => {
      const config = loadConfig()
      recoverPointer(config)
      using store = openStore(config.stateDir)
      const history = new HistoryRuns(config.lakeDir)
      await history.refresh()
      const keep = keepOf(store, history, options)
      const garbage = existsSync(config.lakeDir) ? findGarbage(config.lakeDir, keep) : []
      const before = new Date(Date.now() - options.logDays * dayMs)
      const logs = oldLogs(store, before)
      const scene = { config, store, history, keep, before }
      const removed = options.yes === true ? await remove(scene, garbage, logs) : null
      if (options.json === true) printJson({ garbage, logs, removed })
      else show(garbage, logs, removed)
    })
}

function keepOf(store: Store, history: HistoryRuns, { keep, stagingDays }: Options): Keep {
  return {
    newest: keep,
    stagingMs: stagingDays * dayMs,
    now: new Date(),
    history: history.runs,
    // A run of the history reads snapshots, and may be about to register one.
    isHistoryCurrent: () => history.isCurrent() && store.runs({ dagId: 'history', state: 'running', limit: 1 }).length === 0,
    runState: (runId) => {
      const run = store.findRun(runId)
      return run === null
        ? null
        : { isRunning: run.state === 'running', endedAt: run.endedAt === null ? null : new Date(run.endedAt) }
    },
    exclusively: (work) => store.change.transaction(work),
  }
}

interface Scene {
  readonly config: Config
  readonly store: Store
  readonly history: HistoryRuns
  readonly keep: Keep
  readonly before: Date
}

/** @returns what has gone: some of it may have come to be needed meanwhile */
async function remove(
  { config, store, history, keep, before }: Scene,
  garbage: readonly Garbage[],
  logs: readonly OldFiles[],
): Promise<readonly string[]> {
  const gone: string[] = []
  for (const one of garbage) {
    await history.refresh()
    if (removeGarbage(config.lakeDir, one, { ...keep, history: history.runs })) gone.push(one.path)
  }
  return [...gone, ...logs.filter((one) => removeLogs(store, one, before)).map((one) => one.path)]
}

function show(garbage: readonly Garbage[], logs: readonly OldFiles[], removed: readonly string[] | null): void {
  const bytes = [...garbage, ...logs].reduce((sum, one) => sum + one.bytes, 0)
  const rows = [
    ...garbage.map((one) => [one.kind, one.name, size(one.bytes), one.reason]),
    ...logs.map((one) => ['log', one.runId, size(one.bytes), 'its run ended long ago']),
  ]
  if (rows.length === 0) return print('nothing to remove')
  print(table(['what', '!name', '>size', 'why'], rows))
  print(
    removed === null
      ? `\n${size(bytes)} could go: \`dag gc --yes\` removes it`
      : `\n${removed.length} of ${rows.length} removed${removed.length < rows.length ? '; the rest is in use by now' : `, ${size(bytes)}`}`,
  )
}

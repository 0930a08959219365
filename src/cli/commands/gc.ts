import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { Collection } from '../../retention/collect.ts'
import { kindNames, whatFreesMore } from '../../retention/summary.ts'
import { runBookOf } from '../../scheduler/run-book.ts'
import { openStore } from '../../scheduler/store.ts'
import { print, printJson, size, table } from '../output.ts'
import { recoverPointer } from '../pointer.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly keep: number
  readonly keepPublished?: number | null
  readonly measured?: boolean
  readonly rawMonths?: number | null
  readonly logDays: number
  readonly stagingDays: number
  readonly yes?: boolean
  readonly json?: boolean
}

/** `dag gc` */
export function gcCommand(): Command {
  return new Command('gc')
    .description('Remove old snapshots, dumps, staging and logs; without --yes, only list them')
    .option('--keep <count>', 'newest snapshots that stay in any case', countOption, 3)
    .option('--keep-published <months>', 'keep the published runs of so many months (default: all)', countOption)
    .option('--measured', 'also remove unpublished snapshots that the history has measured')
    .option('--raw-months <months>', 'keep the dumps of so many months (default: all)', countOption)
    .option('--log-days <days>', 'keep logs and result files of runs so many days', countOption, 90)
    .option('--staging-days <days>', 'keep staging of failed runs so many days', countOption, 14)
    .option('--yes', 'remove what was found')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The active snapshot, the one that \`dag rollback\` returns to, and those of runs under way always stay. --keep-published N keeps the newest
published run of each of the N newest months and removes the other published runs once the history, if it is used, has measured them.
--raw-months N removes older dumps of which a snapshot is sealed, unless a run or a download uses them. The rows of the state always stay.
${examples('dag gc', 'dag gc --keep-published 12 --raw-months 3', 'dag gc --keep 6 --log-days 30 --yes')}`,
    )
    .action(collect)
}

async function collect({ keepPublished = null, rawMonths = null, measured = false, ...rest }: Options): Promise<void> {
  const config = loadConfig()
  recoverPointer(config)
  using store = openStore(config.stateDir)
  const { lakeDir, rawDir } = config
  const rules = { ...rest, keepPublished, rawMonths, measured }
  const found = await Collection.find({ lakeDir, rawDir, book: runBookOf(store), now: new Date() }, rules)
  const removed = rest.yes === true ? await found.remove() : null
  const { garbage, kept, logs } = found
  if (rest.json === true) printJson({ garbage, kept, logs, removed })
  else show(found, removed)
}

function show({ garbage, kept, logs }: Collection, removed: readonly string[] | null): void {
  const rows = [
    ...garbage.map((one) => [kindNames[one.kind], one.name, size(one.bytes), one.reason]),
    ...logs.map((one) => ['logs', one.runId, size(one.bytes), 'its run ended long ago']),
  ]
  if (rows.length > 0) print(table(['remove', '!name', '>size', 'why'], rows))
  if (kept.length > 0) {
    if (rows.length > 0) print()
    print(
      table(
        ['keep', '!name', 'why'],
        kept.map((one) => [kindNames[one.kind], one.name, one.reason]),
      ),
    )
  }
  if (rows.length > 0 || kept.length > 0) print()
  const bytes = [...garbage, ...logs].reduce((sum, one) => sum + one.bytes, 0)
  print(summary(rows.length, bytes, removed))
  for (const line of whatFreesMore(kept)) print(line)
}

function summary(count: number, bytes: number, removed: readonly string[] | null): string {
  if (count === 0) return 'nothing to remove'
  if (removed === null) return `${size(bytes)} could go: the same command with --yes removes it`
  return removed.length < count
    ? `${removed.length} of ${count} removed; the others are in use by now`
    : `${count} removed, ${size(bytes)}`
}

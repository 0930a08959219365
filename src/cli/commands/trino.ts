import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import type { ServedLake, SyncOutcome } from '../../serving/trino-lake.ts'
import { print, printJson, table } from '../output.ts'
import { recoverPointer } from '../pointer.ts'
import { trinoSettings } from '../trino-settings.ts'
import { examples } from './options.ts'

interface Options {
  readonly run?: string
  readonly all?: boolean
  readonly active?: boolean
  readonly drop?: string
  readonly movedFrom?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** `dag trino …` */
export function trinoCommand(): Command {
  return new Command('trino').description('keeps a Trino server in step with the lake').addCommand(syncCommand().exitOverride())
}

function syncCommand(): Command {
  return new Command('sync')
    .description('makes and repairs the schemas, tables and views of the lake in Trino: of every snapshot unless told otherwise')
    .option('--run <run_id>', 'only the schema of this sealed run')
    .option('--all', 'every sealed run and what is published (default)')
    .option('--active', 'only what is published')
    .option('--drop <run_id>', 'forget the schema of this run; its files are not touched')
    .option('--moved-from <uri>', 'replace tables at this former URI of the lake, too')
    .option('--dry-run', 'print the statements instead of running them')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'dag trino sync',
        'dag trino sync --active --dry-run',
        'dag trino sync --drop 2026-01__20260120_060000',
        'dag trino sync --moved-from local:///old/hive-data',
      ),
    )
    .action(async (options: Options) => {
      const chosen = [options.run !== undefined, options.all === true, options.active === true, options.drop !== undefined]
      if (chosen.filter(Boolean).length > 1) throw usage('--run, --all, --active and --drop exclude each other')
      const config = loadConfig()
      const trino = trinoSettings(config)
      recoverPointer(config)
      const interruption = new AbortController()
      const stop = (): void => interruption.abort(new PipelineError('interrupted', { exitCode: exitCodes.interrupted }))
      process.once('SIGINT', stop)
      const moved = options.movedFrom === undefined ? {} : { movedFrom: options.movedFrom }
      const lake = { lakeDir: config.lakeDir, trino, signal: interruption.signal, ...moved }
      // Loaded when they are needed: the client would slow the start of every other command.
      const [{ syncTrino }, { refuseConflicts }] = await Promise.all([
        import('../../serving/trino-lake.ts'),
        import('../../serving/sync-obstacles.ts'),
      ])
      try {
        if (options.drop !== undefined) return await forget(lake, options.drop, options)
        const runs = options.run !== undefined ? [options.run] : options.active === true ? [] : ('all' as const)
        const outcome = await syncTrino({ ...lake, runs, active: options.run === undefined, dryRun: options.dryRun ?? false })
        show(outcome, options)
        refuseConflicts(outcome.conflicts)
        refuseUnreadable(outcome)
      } finally {
        process.off('SIGINT', stop)
      }
    })
}

async function forget(lake: ServedLake, runId: string, { json = false, dryRun = false }: Options): Promise<void> {
  const { forgetRun } = await import('../../serving/forget-run.ts')
  const statements = await forgetRun(lake, runId, dryRun)
  if (json) printJson({ statements })
  else if (statements.length === 0) print(`Trino has no schema of ${runId}`)
  else print(dryRun ? statements.map((one) => `${one};`).join('\n') : (statements.at(-1) ?? ''))
}

/** The others are done by then. @throws PipelineError */
function refuseUnreadable({ unreadable }: SyncOutcome): void {
  if (unreadable.length === 0) return
  const runs = unreadable.map(({ runId, reason }) => `${runId}: ${reason}`)
  throw new PipelineError(`these runs cannot be read, and were left out:\n  ${runs.join('\n  ')}`, {
    retryable: false,
    hint: '`dag doctor` looks at every run; one that has no manifest was not sealed by dag',
  })
}

function usage(message: string): PipelineError {
  return new PipelineError(message, { exitCode: exitCodes.usage, retryable: false })
}

function show(outcome: SyncOutcome, { json = false, dryRun = false }: Options): void {
  if (json) {
    printJson({ dryRun, ...outcome })
    return
  }
  if (dryRun) {
    for (const { reason, relation, schema, statements, comments } of outcome.changes) {
      const lines = [...statements, ...comments].map((one) => `${one};`)
      print(`-- ${relation === null ? schema : `${schema}.${relation}`}: ${reason}\n${lines.join('\n')}\n`)
    }
    return
  }
  const { changes, kept, missing, foreign, orphaned, schemas, verified } = outcome
  if (changes.length > 0) {
    const rows = changes.map(({ schema, relation, kind, action, reason }) => [schema, relation, kind, action, reason])
    if (changes.length <= 50) print(`${table(['!schema', '!relation', '?kind', '!done', 'because'], rows)}\n`)
  }
  const done = (action: string): number => changes.filter((change) => change.action === action).length
  const commented = done('comment') === 0 ? '' : `, ${done('comment')} with comments repaired`
  print(
    `${schemas.length} schemas: ${done('create')} created, ${done('replace')} replaced, ${done('drop')} dropped${commented}, ${kept} right already; rows of ${verified} tables counted`,
  )
  if (missing.length > 0) print(`not in their snapshots: ${missing.join(', ')}`)
  if (foreign.length > 0) print(`not ours, left alone: ${foreign.join(', ')}`)
  if (orphaned.length > 0) print(`schemas of runs that the lake has not: ${orphaned.join(', ')}; --drop <run_id> forgets one`)
}

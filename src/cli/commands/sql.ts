import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { compatibilityViews, datasets } from '../../discogs/catalogue.ts'
import { existsSync } from 'node:fs'
import { exitCodes, PipelineError } from '../../errors.ts'
import { currentDir } from '../../lake/layout.ts'
import { rowsOf } from '../../sql/engine.ts'
import { openEngine } from '../../sql/open.ts'
import { registerReadable } from '../../sql/run-views.ts'
import { print, printJson, styled, table } from '../output.ts'
import { activeRun, recoverPointer } from '../pointer.ts'

interface Options {
  readonly run?: string
  readonly json?: boolean
}

/** `dag sql "<query>"` */
export function sqlCommand(): Command {
  return new Command('sql')
    .description('asks the published snapshot, or another run, in SQL; every dataset is a table')
    .argument('<query>')
    .option('--run <run>', 'ask this run instead of the published one')
    .option('--json', 'print rows as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  dag sql "select country, count(*) n from releases_v6 group by 1 order by 2 desc limit 10"',
    )
    .action(async (query: string, { run, json = false }: Options) => {
      const config = loadConfig()
      recoverPointer(config)
      // Resolved once: a query never mixes two runs.
      const directory = run === undefined ? activeRun(config).dir : directoryOf(config.lakeDir, run)
      await using engine = await openEngine(config)
      await registerReadable(engine, directory, datasets, compatibilityViews)
      const result = await engine.table(query)
      if (json) {
        printJson(rowsOf(result))
        return
      }
      const cells = result.rows.map((row) => row.map((value) => (value === null ? styled('dim', 'NULL') : String(value))))
      const numeric = result.columns.map((_, index) =>
        result.rows.some((row) => typeof row[index] === 'number' || typeof row[index] === 'bigint'),
      )
      print(
        table(
          result.columns.map((name, index) => (numeric[index] === true ? `>${name}` : name)),
          cells,
        ),
      )
      print(styled('dim', `(${result.rows.length} ${result.rows.length === 1 ? 'row' : 'rows'})`))
    })
}

function directoryOf(lakeDir: string, run: string): string {
  const directory = currentDir(lakeDir, run)
  if (existsSync(directory)) return directory
  throw new PipelineError(`run ${run} has no data in ${lakeDir}`, {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: '`dag runs` lists the runs',
  })
}

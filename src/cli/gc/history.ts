/** Which runs the history refers to. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, PipelineError } from '../../errors.ts'
import { metaDir } from '../../lake/layout.ts'
import { quoteText } from '../../sql/quote.ts'

/** @throws PipelineError when there is a registry and it cannot be read: then nobody knows what may go */
export async function historyRuns(lakeDir: string): Promise<ReadonlySet<string>> {
  const registry = join(metaDir(lakeDir), 'discogs_history', 'run_registry_events')
  if (!existsSync(registry)) return new Set()
  // Loaded when it is needed: the engine would slow the start of every other command.
  const { DuckDbEngine } = await import('../../sql/duckdb.ts')
  try {
    await using engine = await DuckDbEngine.open()
    const rows = await engine.query(`select distinct run_id from read_parquet(${quoteText(`${registry}/**/*.parquet`)})`)
    return new Set(rows.map((row) => String(row['run_id'])))
  } catch (cause) {
    throw new PipelineError(`the registry of the history in ${registry} cannot be read: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      hint: 'what it refers to must stay, so nothing is removed',
    })
  }
}

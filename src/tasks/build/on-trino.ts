/**
 * The warehouse tables made by a Trino server. It reads the staging directory through external tables and writes into a directory below
 * it, in a catalog of its own, `<catalog>_build`: the only one whose external tables can be written (docs/trino.md).
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { warehouseTables } from '../../discogs/warehouse.ts'
import { PipelineError } from '../../errors.ts'
import { replaceDirectory, syncFile } from '../../lake/atomic-file.ts'
import { dataFileName } from '../../lake/layout.ts'
import type { StagedDataset } from '../../lake/stage-report.ts'
import type { TaskContext } from '../../scheduler/context.ts'
import { lakeUri, runSchema, seesOther } from '../../serving/trino-lake.ts'
import { DuckDbEngine } from '../../sql/duckdb.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import { loadSql } from '../../sql/texts.ts'
import { TrinoEngine, type TrinoSettings } from '../../sql/trino.ts'
import { planSchema } from '../../sql/trino-plan.ts'
import { tablesOver } from '../../sql/trino-schema.ts'
import { applyPlans, countRows, dropSchema } from '../../sql/trino-sync.ts'
import { readFooter } from '../checks/parquet-footer.ts'

const inputs = datasets.filter(({ kind }) => kind !== 'warehouse')

/** One writer, one file, in the order of the query: rows then lie as DuckDB writes them. */
const writer = {
  skip_redundant_sort: 'false',
  redistribute_writes: 'false',
  scale_writers: 'false',
  task_scale_writers_enabled: 'false',
  task_min_writer_count: '1',
  task_max_writer_count: '1',
}

/** @returns what was written, by table */
export async function buildOnTrino(
  context: TaskContext,
  directory: string,
  settings: TrinoSettings,
): Promise<Readonly<Record<string, StagedDataset>>> {
  const trino = { ...settings, catalog: `${settings.catalog}_build` }
  const schema = `build_${runSchema(context.runId)}`
  const scratch = join(directory, '.tmp-trino')
  assertPresent(directory)
  await using engine = await TrinoEngine.open(trino, {
    schema,
    signal: context.signal,
    session: {
      ...writer,
      [`${trino.catalog}.compression_codec`]: 'ZSTD',
      [`${trino.catalog}.target_max_file_size`]: '1TB',
      [`${trino.catalog}.collect_column_statistics_on_write`]: 'false',
    },
  })
  // A killed try leaves both behind.
  await dropSchema(engine, schema)
  rmSync(scratch, { recursive: true, force: true })
  try {
    await register(engine, { context, trino, directory, scratch, schema })
    for (const [done, { name }] of warehouseTables.entries()) {
      context.progress({ done, total: warehouseTables.length, unit: 'steps', message: name })
      const { name: file, text } = await loadSql(`build/${name}`)
      await engine.execute({ name: file, text: `INSERT INTO ${quoteIdentifier(name)}\n${text}` })
    }
    const built: Record<string, StagedDataset> = {}
    for (const table of warehouseTables) built[table.name] = await place(table, { directory, scratch, runId: context.runId })
    return built
  } finally {
    // With a server that is gone the schema stays; the next try drops it.
    await forget(trino, schema).catch(() => {})
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The task's own session refuses to clean up after an abort. */
async function forget(trino: TrinoSettings, schema: string): Promise<void> {
  await using engine = await TrinoEngine.open(trino, { patienceMs: 0, timeoutMs: 10_000 })
  await dropSchema(engine, schema)
}

function assertPresent(directory: string): void {
  const missing = inputs.filter(({ name }) => !existsSync(join(directory, name))).map(({ name }) => `${name} (no directory)`)
  if (missing.length === 0) return
  throw new PipelineError(
    `run directory ${directory}: ${missing.length} of ${inputs.length} datasets cannot be read: ${missing.join(', ')}`,
  )
}

interface Scratch {
  readonly context: TaskContext
  readonly trino: TrinoSettings
  readonly directory: string
  readonly scratch: string
  readonly schema: string
}

/** @throws PipelineError when the server does not see the rows of the staged files: it would build from nothing, without an error */
async function register(engine: TrinoEngine, { context, trino, directory, scratch, schema }: Scratch): Promise<void> {
  const { lakeDir } = context
  for (const { name } of warehouseTables) mkdirSync(join(scratch, name), { recursive: true })
  const over = (place: string, of: readonly Dataset[]) => {
    const location = `${lakeUri({ lakeDir, trino })}/${relative(lakeDir, place)}`
    return tablesOver({ schema, location, datasets: of, views: [] }).relations
  }
  const relations = [...over(directory, inputs), ...over(scratch, warehouseTables)]
  await applyPlans(engine, [planSchema({ name: schema, relations }, null)])
  const counted = await countRows(
    engine,
    schema,
    inputs.map(({ name }) => name),
  )
  const differences: string[] = []
  for (const { name } of inputs) {
    const rows = await rowsIn(join(directory, name))
    if (counted.get(name) !== BigInt(rows)) differences.push(`${name}: ${counted.get(name)} instead of ${rows}`)
  }
  if (differences.length > 0) throw seesOther({ lakeDir, trino }, differences)
}

async function rowsIn(folder: string): Promise<number> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.parquet'))
  const footers = await Promise.all(files.map((name) => readFooter(join(folder, name))))
  return footers.reduce((sum, { rows }) => sum + rows, 0)
}

/** Moves what the server wrote to its place, under the name the lake gives it. */
async function place(
  table: Dataset,
  { directory, scratch, runId }: { readonly directory: string; readonly scratch: string; readonly runId: string },
): Promise<StagedDataset> {
  const folder = join(scratch, table.name)
  const written = readdirSync(folder).filter((name) => !/^[._]/.test(name))
  if (written.length > 1)
    throw new PipelineError(`build: Trino wrote ${table.name} in ${written.length} files, whose order nothing tells`)
  const fileName = dataFileName(runId, 0)
  const file = join(folder, fileName)
  const [only] = written
  if (only === undefined) await writeEmpty(table, file)
  else renameSync(join(folder, only), file)
  for (const name of readdirSync(folder)) if (name !== fileName) rmSync(join(folder, name), { force: true })
  syncFile(file)
  const { rows } = await readFooter(file)
  const bytes = statSync(file).size
  const temporary = join(directory, `.tmp-${table.name}`)
  rmSync(temporary, { recursive: true, force: true })
  renameSync(folder, temporary)
  replaceDirectory(temporary, join(directory, table.name))
  return { rows, files: [{ path: `${table.name}/${fileName}`, rows, bytes }] }
}

/** Trino writes no file for no rows. */
async function writeEmpty({ name, columns }: Dataset, file: string): Promise<void> {
  await using engine = await DuckDbEngine.open({ threads: 1 })
  const nulls = columns.map((column) => `CAST(NULL AS ${column.type}) AS ${quoteIdentifier(column.name)}`).join(', ')
  await engine.copyToParquet({ name: `empty ${name}`, text: `SELECT ${nulls} WHERE false` }, file)
}

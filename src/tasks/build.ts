import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import { warehouseTables } from '../discogs/warehouse.ts'
import { PipelineError } from '../errors.ts'
import { replaceDirectory, syncFile } from '../lake/atomic-file.ts'
import { dataFileName, stagingDir } from '../lake/layout.ts'
import { type StagedDataset, writeStageReport } from '../lake/stage-report.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { DuckDbEngine } from '../sql/duckdb.ts'
import { registerRun } from '../sql/run-views.ts'
import { loadSql } from '../sql/texts.ts'
import { runTask } from '../task-process.ts'
import { buildOnTrino } from './build/on-trino.ts'
import { assertCurrentInputs } from './current-inputs.ts'
import { buildReport } from './checks/stage-reports.ts'

/**
 * Builds the warehouse tables (`sql/build/<dataset>.sql`) from the run's own datasets, in its staging directory; on Trino with
 * `SQL_ENGINE=trino`, else on DuckDB. Both write the same rows in the same order.
 */
export async function build(context: TaskContext): Promise<TaskResult> {
  const directory = stagingDir(context.lakeDir, context.runId)
  if (!existsSync(directory))
    throw new PipelineError(`build: staging directory ${directory} does not exist`, { retryable: false })
  await assertCurrentInputs(context, directory)
  const { sqlEngine, trino } = context.settings
  const isOnTrino = sqlEngine === 'trino' && trino !== null
  const built = isOnTrino ? await buildOnTrino(context, directory, trino) : await buildOnDuckDb(context, directory)
  context.progress({ done: warehouseTables.length, total: warehouseTables.length, unit: 'steps' })
  writeStageReport(directory, buildReport, { datasets: built })
  return {
    rows: Object.fromEntries(Object.entries(built).map(([name, { rows }]) => [name, rows])),
    bytes: Object.values(built).reduce((sum, { files }) => sum + files.reduce((bytes, file) => bytes + file.bytes, 0), 0),
  }
}

async function buildOnDuckDb(context: TaskContext, directory: string): Promise<Readonly<Record<string, StagedDataset>>> {
  const tempDirectory = join(directory, '.tmp-build')
  rmSync(tempDirectory, { recursive: true, force: true })
  const built: Record<string, StagedDataset> = {}
  try {
    await using engine = await DuckDbEngine.open({ tempDirectory, signal: context.signal })
    await registerRun(
      engine,
      directory,
      datasets.filter(({ kind }) => kind !== 'warehouse'),
    )
    for (const [done, table] of warehouseTables.entries()) {
      context.progress({ done, total: warehouseTables.length, unit: 'steps', message: table.name })
      built[table.name] = await buildTable(engine, { directory, name: table.name, runId: context.runId })
      // Later tables read earlier ones.
      await registerRun(engine, directory, [table])
    }
  } finally {
    rmSync(tempDirectory, { recursive: true, force: true })
  }
  return built
}

interface Target {
  readonly directory: string
  readonly name: string
  readonly runId: string
}

/** Writes one table beside its place and then moves it there. */
async function buildTable(engine: DuckDbEngine, { directory, name, runId }: Target): Promise<StagedDataset> {
  const fileName = dataFileName(runId, 0)
  const temporary = join(directory, `.tmp-${name}`)
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary)
  try {
    const file = join(temporary, fileName)
    const rows = await engine.copyToParquet(await loadSql(`build/${name}`), file)
    syncFile(file)
    const bytes = statSync(file).size
    replaceDirectory(temporary, join(directory, name))
    return { rows, files: [{ path: `${name}/${fileName}`, rows, bytes }] }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

if (import.meta.main) await runTask(build)

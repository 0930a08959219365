/** The readers that must agree on our files: DuckDB, parquetjs and pyarrow. */
import { execFile } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { ParquetReader } from '@dsnp/parquetjs'
import { registerZstd } from './zstd.ts'
import type { ReadValue } from './model.ts'

const run = promisify(execFile)

export type ReadColumns = Readonly<Record<string, readonly ReadValue[]>>

export async function openDuckDb(): Promise<DuckDBConnection> {
  return (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
}

export async function readWithDuckDb(duckdb: DuckDBConnection, file: string): Promise<ReadColumns> {
  const result = await duckdb.runAndReadAll(`SELECT * FROM '${file}'`)
  const columns = result.getColumns()
  return Object.fromEntries(result.columnNames().map((name, index) => [name, (columns[index] ?? []).map(readValue)]))
}

/** Counts the rows that a condition holds for. */
export async function countWhere(
  duckdb: DuckDBConnection,
  file: string,
  condition: string,
  values: readonly string[] = [],
): Promise<number> {
  const result = await duckdb.runAndReadAll(`SELECT count(*)::INTEGER FROM '${file}' WHERE ${condition}`, [...values])
  return Number(result.getRows()[0]?.[0])
}

/** The least and the greatest value, which an engine might take from the footer. */
export async function readExtremes(duckdb: DuckDBConnection, file: string, column: string): Promise<readonly ReadValue[]> {
  const result = await duckdb.runAndReadAll(`SELECT min("${column}"), max("${column}") FROM '${file}'`)
  return (result.getRows()[0] ?? []).map(readValue)
}

export async function readWithParquetjs(file: string): Promise<ReadColumns> {
  registerZstd()
  const reader = await ParquetReader.openFile(file)
  try {
    const names = Object.keys(reader.getSchema().fields)
    const columns = new Map(names.map((name): [string, ReadValue[]] => [name, []]))
    for await (const row of reader) for (const name of names) columns.get(name)?.push(readValue(Reflect.get(Object(row), name)))
    return Object.fromEntries(columns)
  } finally {
    await reader.close()
  }
}

function readValue(value: unknown): ReadValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  throw new Error(`a reader gave a value of type ${typeof value}`)
}

/** A column chunk's entry in the footer, as pyarrow understands it. */
export interface ChunkFooter {
  readonly name: string
  readonly values: string
  readonly nulls: string | null
  readonly min: ReadValue
  readonly max: ReadValue
  readonly minExact: boolean | null
  readonly maxExact: boolean | null
  readonly encodings: readonly string[]
  readonly compressedSize: string
  readonly uncompressedSize: string
  readonly hasDictionary: boolean
}

export interface PyarrowFile {
  readonly rows: string
  readonly createdBy: string
  readonly metadata: Readonly<Record<string, string>>
  readonly types: Readonly<Record<string, string>>
  readonly columns: ReadColumns
  readonly groups: readonly { readonly rows: string; readonly bytes: string; readonly chunks: readonly ChunkFooter[] }[]
}

export const pyarrowSkipped = process.env['SKIP_PYARROW'] === '1'

const pyarrowVersion = '26.0.1'
const pyarrowDirectory = join(homedir(), '.cache', 'discogs-lakehouse', `pyarrow-${pyarrowVersion}`)

/** Installs pyarrow for the user, once. */
async function python(): Promise<string> {
  const executable = join(pyarrowDirectory, 'bin', 'python3')
  if (existsSync(executable)) return executable
  const temporary = `${pyarrowDirectory}.${process.pid}`
  await mkdir(join(pyarrowDirectory, '..'), { recursive: true })
  await run('python3', ['-m', 'venv', temporary])
  await run(join(temporary, 'bin', 'python3'), [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    `pyarrow==${pyarrowVersion}`,
  ])
  await rm(pyarrowDirectory, { recursive: true, force: true })
  await rename(temporary, pyarrowDirectory)
  return executable
}

/** Reads all files in one process: a line of JSON each. */
export async function readWithPyarrow(files: readonly string[], directory: string): Promise<PyarrowFile[]> {
  const output = join(directory, 'pyarrow.jsonl')
  await run(await python(), [join(import.meta.dirname, 'read_parquet.py'), output, ...files])
  const read: PyarrowFile[] = []
  for await (const line of createInterface({ input: createReadStream(output) })) read.push(JSON.parse(line))
  return read
}

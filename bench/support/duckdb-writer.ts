/** Writes our rows again with DuckDB's Parquet writer (ZSTD): `node duckdb-writer.ts <our directory> <theirs>`. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetRows } from '../../src/sql/parquet-files.ts'

const [, , ours = '', theirs = ''] = process.argv
const duckdb = await (await DuckDBInstance.create()).connect()
mkdirSync(theirs, { recursive: true })
for (const name of readdirSync(ours).filter((entry) => !entry.startsWith('_'))) {
  const files = readdirSync(join(ours, name)).toSorted()
  const rows = `SELECT * FROM ${parquetRows(files.map((file) => join(ours, name, file))).sql}`
  await duckdb.run(`COPY (${rows}) TO '${join(theirs, `${name}.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`)
}

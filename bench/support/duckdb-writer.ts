/** Writes our rows again with DuckDB's Parquet writer (ZSTD): `node duckdb-writer.ts <our directory> <theirs>`. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

const [, , ours = '', theirs = ''] = process.argv
const duckdb = await (await DuckDBInstance.create()).connect()
mkdirSync(theirs, { recursive: true })
for (const name of readdirSync(ours).filter((entry) => !entry.startsWith('_'))) {
  const rows = `SELECT * FROM read_parquet('${join(ours, name)}/*.parquet')`
  await duckdb.run(`COPY (${rows}) TO '${join(theirs, `${name}.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`)
}

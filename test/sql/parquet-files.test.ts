import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { parquetChunks, parquetRows, parquetSchemas } from '../../src/sql/parquet-files.ts'
import { writeParquet } from '../support/parquet.ts'

const project = join(import.meta.dirname, '../..')
const directory = mkdtempSync(join(tmpdir(), 'parquet-files-'))
after(() => rmSync(directory, { recursive: true }))

const columns = [{ name: 'country', type: 'VARCHAR' }]

test('a folder named key=value above a file overrides no column and adds none', async () => {
  const file = join(directory, 'country=Atlantis/year=1999/r.parquet')
  await writeParquet(file, columns, [{ country: 'UK' }])
  await using engine = await DuckDbEngine.open()
  assert.deepEqual(await engine.query(`SELECT * FROM ${parquetRows([file]).sql}`), [{ country: 'UK' }])
})

test('a path is read as it is, not as a pattern that matches others', async () => {
  const folders = ['a[b]', 'ab', 'c*', 'cc', 'd?', 'dd', 'e\\f', 'e/f', '{g,h}', 'g', '[', "i'j", '**']
  const files = folders.map((folder) => join(directory, folder, 'r.parquet'))
  for (const [index, file] of files.entries()) await writeParquet(file, columns, [{ country: folders[index] ?? null }])
  await using engine = await DuckDbEngine.open()
  for (const [index, file] of files.entries()) {
    const rows = await engine.query(`SELECT * FROM ${parquetRows([file], { withFileName: true }).sql}`)
    assert.deepEqual(rows, [{ country: folders[index], filename: file }])
    assert.deepEqual(await engine.query(`SELECT file_name FROM ${parquetChunks([file]).sql}`), [{ file_name: file }])
    assert.deepEqual(await engine.query(`SELECT name FROM ${parquetSchemas([file]).sql} OFFSET 1`), [{ name: 'country' }])
  }
})

test('a path that DuckDB has no way to name is refused', () => {
  assert.throws(() => parquetRows(['/lake\\1/[a]/r.parquet']), /cannot read .*: the path contains a backslash and one of/)
})

test('no other file names a table function that reads files', () => {
  const files = globSync('{src,dags,bench,scripts,sql}/**/*.{ts,mjs,sql}', { cwd: project })
  const found = files.filter((file) => {
    return /\b(read_parquet|parquet_(scan|metadata|schema|file_metadata|kv_metadata)|read_(csv|json|ndjson|text|blob)\w*)\b/.test(
      readFileSync(join(project, file), 'utf8'),
    )
  })
  assert.ok(files.length > 100)
  assert.deepEqual(found, ['src/sql/parquet-files.ts'])
})

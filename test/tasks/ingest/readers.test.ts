import assert from 'node:assert/strict'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, test } from 'node:test'
import { dumps } from '../../../src/discogs/catalogue.ts'
import { generateDumps } from '../../../src/demo/generate.ts'
import { stagingDir } from '../../../src/lake/layout.ts'
import { ingest } from '../../../src/tasks/ingest.ts'
import type { ReadValue } from '../../parquet/support/model.ts'
import {
  type ChunkFooter,
  openDuckDb,
  type PyarrowFile,
  pyarrowSkipped,
  readWithDuckDb,
  readWithParquetjs,
  readWithPyarrow,
} from '../../parquet/support/readers.ts'
import { taskContext } from '../../support/task-context.ts'

const runId = '2099-01__20990120_060000'
const root = mkdtempSync(join(tmpdir(), 'readers-'))
after(() => rmSync(root, { recursive: true }))
const lakeDir = join(root, 'lake')
let files: string[] = []

before(async () => {
  await generateDumps({ directory: join(root, 'raw', '2099-01'), month: '2099-01', releases: 1500 })
  const context = taskContext({ runId, lakeDir, rawDir: join(root, 'raw'), params: { dump_month: '2099-01' } })
  await Promise.all(dumps.map(({ name }) => ingest({ ...context, args: [name] })))
  files = globSync(join(stagingDir(lakeDir, runId), '*', '*.parquet')).sort()
})

test('DuckDB, parquetjs and pyarrow read the same from every file of four generated dumps', async () => {
  const duckdb = await openDuckDb()
  const pyarrow = pyarrowSkipped ? [] : await readWithPyarrow(files, root)
  assert.equal(files.length, 25)
  for (const [index, file] of files.entries()) {
    const name = relative(lakeDir, file)
    const columns = await readWithDuckDb(duckdb, file)
    assert.deepEqual(await readWithParquetjs(file), columns, `${name} in parquetjs`)
    if (pyarrowSkipped) continue
    assert.deepEqual(pyarrow[index]?.columns, columns, `${name} in pyarrow`)
    const read = pyarrow[index]
    assert.ok(read)
    assertFooters(read, name)
  }
})

/** Row counts, null counts and bounds, recomputed from the values. */
function assertFooters({ groups, columns, types, rows }: PyarrowFile, name: string): void {
  let from = 0
  for (const group of groups) {
    const to = from + Number(group.rows)
    for (const chunk of group.chunks) {
      const values = (columns[chunk.name] ?? []).slice(from, to)
      assert.equal(values.length, to - from)
      assertChunk(chunk, values, types[chunk.name] === 'string', `${name} ${chunk.name}`)
    }
    from = to
  }
  assert.equal(String(from), rows, name)
}

function assertChunk(chunk: ChunkFooter, values: readonly ReadValue[], isText: boolean, where: string): void {
  const present = values.filter((value) => value !== null).map((value) => comparable(value, isText))
  assert.equal(chunk.nulls, String(values.length - present.length), where)
  if (chunk.min === null || chunk.max === null) return
  const [min, max] = [comparable(chunk.min, isText), comparable(chunk.max, isText)]
  const least = present.reduce((left, right) => (right < left ? right : left))
  const greatest = present.reduce((left, right) => (right > left ? right : left))
  assert.ok(min <= least && greatest <= max, where)
  if (!isText) assert.deepEqual([min, max], [least, greatest], where)
}

/** Values that `<` orders as Parquet does: texts by their bytes. */
function comparable(value: Exclude<ReadValue, null>, isText: boolean): string | bigint {
  return isText ? Buffer.from(String(value)).toString('latin1') : BigInt(value)
}

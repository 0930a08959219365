/**
 * Claim: under query threads and promotions many times a second, single-table queries of a run's own schema and of `discogs_stable` never
 * fail and never mix two runs; those of `discogs`, through `active`, may, and a retry helps (docs/trino.md).
 *
 *     npm run bench -- trino-promote [promotions] [per second] [query threads]      default 200, 10 and 20
 *
 * Needs a server that sees this machine's files: TRINO_URL, or the local one. Two runs of 1 000 and 2 000 labels; an answer
 * that is neither is wrong. `discogs_stable` follows the pointer as fast as it can, one sync after the other.
 */
import { mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Table from 'cli-table3'
import { loadConfig } from '../src/config.ts'
import { stagingDir } from '../src/lake/layout.ts'
import { swapActive } from '../src/lake/pointer.ts'
import { sealRun } from '../src/lake/seal.ts'
import { followPointer, runSchema, syncTrino } from '../src/serving/trino-lake.ts'
import { TrinoEngine, trinoFailure } from '../src/sql/trino.ts'
import { dropSchema } from '../src/sql/trino-sync.ts'
import { writeReportedRun } from '../test/support/parquet.ts'
import { removeLake } from '../test/support/remove-lake.ts'

const [promotions = 200, perSecond = 10, threads = 20] = process.argv.slice(2).map(Number)
const runs = { '2095-01__20950120_060000': 1000, '2095-02__20950220_060000': 2000 } as const
const runIds = Object.keys(runs)
const { trino } = loadConfig()
if (trino === null) throw new Error('set TRINO_URL, or start a local server')
const lakeDir = mkdtempSync(join(tmpdir(), 'trino-promote-'))

for (const [runId, count] of Object.entries(runs)) {
  const labels = Array.from({ length: count }, (_, index) => ({ label_id: BigInt(index) + 1n, name: `Label ${index}` }))
  await writeReportedRun(stagingDir(lakeDir, runId), runId, { labels_v10: labels })
  await sealRun(lakeDir, runId, {
    dag: 'bench',
    session: '2095-01-20 06:00:00',
    params: {},
    code: { version: '0', commit: null },
  })
}
symlinkSync(`_runs/${runIds[0]}`, join(lakeDir, 'active'))
await using engine = await TrinoEngine.open(trino)
await syncTrino({ lakeDir, trino, runs: 'all', active: true })

interface Tally {
  right: number
  wrong: number
  readonly failed: Map<string, number>
}

const schemas = [runSchema(runIds[0] ?? ''), runSchema(runIds[1] ?? ''), 'discogs_stable', 'discogs', 'discogs, 3 tries']
const tallies = new Map<string, Tally>(schemas.map((schema) => [schema, { right: 0, wrong: 0, failed: new Map() }]))
const over = new AbortController()

async function ask(kind: string): Promise<void> {
  const tally = tallies.get(kind) ?? { right: 0, wrong: 0, failed: new Map<string, number>() }
  const [schema = '', tries] = kind.split(', ')
  while (!over.signal.aborted) {
    for (let left = tries === undefined ? 1 : 3; left > 0; left--) {
      try {
        const { rows } = await engine.table(`SELECT count(*), max(label_id) FROM ${schema}.labels_v10`)
        const [count, highest] = rows[0] ?? []
        // A run's own schema shows that run alone.
        const expected: readonly unknown[] = Object.entries(runs).flatMap(([id, rows]) =>
          schema.startsWith('discogs_r_') && schema !== runSchema(id) ? [] : [BigInt(rows)],
        )
        if (count === highest && expected.includes(count)) tally.right++
        else tally.wrong++
        break
      } catch (error) {
        const name = trinoFailure(error)?.errorName ?? String(error).slice(0, 60)
        if (left === 1) tally.failed.set(name, (tally.failed.get(name) ?? 0) + 1)
      }
    }
  }
}

const readers = Array.from({ length: threads }, (_, index) => ask(schemas[index % schemas.length] ?? ''))
let syncs = 0
const follower = (async (): Promise<void> => {
  while (!over.signal.aborted) {
    const said = await followPointer(lakeDir, trino)
    if (!said.includes('shows the published run (')) process.stderr.write(`${said}\n`)
    syncs++
  }
})()
const start = performance.now()
for (let index = 1; index <= promotions; index++) {
  await sleep(Math.max(0, start + (index * 1000) / perSecond - performance.now()))
  swapActive(lakeDir, runIds[index % 2] ?? '')
}
const seconds = (performance.now() - start) / 1000
over.abort()
await Promise.all([...readers, follower])
const table = new Table({ head: ['queries of', 'right', 'wrong', 'failed'] })
for (const [schema, { right, wrong, failed }] of tallies) {
  const reasons = [...failed].map(([name, count]) => `${count} ${name}`).join(', ')
  table.push([schema, right, wrong, reasons || 0])
}
process.stdout.write(
  `${table.toString()}\n${promotions} moves in ${seconds.toFixed(1)} s, ${threads} query threads, discogs_stable replaced ${syncs} times\n`,
)
for (const schema of ['discogs', 'discogs_stable', ...runIds.map(runSchema)]) await dropSchema(engine, schema)
removeLake(lakeDir)

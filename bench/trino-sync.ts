/**
 * Claim: 24 snapshots are registered in 20 s at most, and found to be right in 5 s (docs/trino.md).
 *
 *     npm run bench -- trino-sync [snapshots]      default 24
 *
 * Needs a server that sees this machine's files: TRINO_URL, or the local one; just started, it has yet to compile what it runs. Every
 * dataset of the catalogue is there in every snapshot, with a row of each in releases_v6. Removes its schemas, before and after.
 */
import { mkdtempSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { loadConfig } from '../src/config.ts'
import { activeSchema, runSchema, stableSchema, syncTrino } from '../src/serving/trino-lake.ts'
import { TrinoEngine } from '../src/sql/trino.ts'
import { eachOf } from '../src/sql/each-of.ts'
import { dropSchema } from '../src/sql/trino-sync.ts'
import { publish, sealSmallRun } from '../test/cli/small-lake.ts'
import { removeLake } from '../test/support/remove-lake.ts'

const [snapshots = 24] = process.argv.slice(2).map(Number)
const { trino } = loadConfig()
if (trino === null) throw new Error('set TRINO_URL, or start a local server')
const lakeDir = mkdtempSync(join(tmpdir(), 'trino-sync-'))
const runIds = Array.from({ length: snapshots }, (_, index) => `2094-01__bench_${String(index + 1).padStart(3, '0')}`)
for (const runId of runIds) await sealSmallRun(lakeDir, { runId, dumpMonth: '2094-01', releases: 1 })
publish(lakeDir, runIds.at(-1) ?? '')
await using engine = await TrinoEngine.open(trino)
const schemas = [stableSchema, activeSchema, ...runIds.map(runSchema)]
await eachOf(schemas, (schema) => dropSchema(engine, schema))

const table = new Table({ head: ['sync', 'seconds', 'relations made', 'right already', 'tables counted', 'load (1 min)'] })
for (const sync of ['from nothing', 'again']) {
  const start = performance.now()
  const { changes, kept, verified } = await syncTrino({ lakeDir, trino, runs: 'all', active: true })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const made = changes.filter(({ kind }) => kind !== 'schema').length
  table.push([sync, seconds, made, kept, verified, loadavg()[0]?.toFixed(1) ?? ''])
}
process.stdout.write(`${snapshots} snapshots\n${table.toString()}\n`)
await eachOf(schemas, (schema) => dropSchema(engine, schema))
removeLake(lakeDir)

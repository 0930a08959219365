import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { compatibilityViews, datasets } from '../../src/discogs/catalogue.ts'
import { PipelineError } from '../../src/errors.ts'
import { localSettings, startTrino, stopTrino } from '../../src/infra/trino-server.ts'
import { loadConfig } from '../../src/config.ts'
import { runDir, stagingDir } from '../../src/lake/layout.ts'
import { moveActive } from '../../src/lake/pointer.ts'
import { sealRun } from '../../src/lake/seal.ts'
import type { CheckResult, TaskContext, TaskSettings } from '../../src/scheduler/context.ts'
import { ledgerOf } from '../../src/scheduler/promotions.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { runSchema, syncTrino } from '../../src/serving/trino-lake.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { dropSchema } from '../../src/sql/trino-sync.ts'
import { assertSame, report } from '../../src/tasks/report.ts'
import { type TestRow, writeReportedRun } from '../support/parquet.ts'
import { publishedSchemas } from '../support/published-schemas.ts'
import { removeLake } from '../support/remove-lake.ts'
import { standardDownload, taskContext } from '../support/task-context.ts'
import { skipTrino as skip, testJvm, testStateDir, trinoServer } from '../support/trino-server.ts'

const [older, newer, bad] = ['2098-01__20980120_060000', '2098-02__20980220_060000', '2098-03__20980320_060000']
const sound: Readonly<Record<string, readonly TestRow[]>> = {
  artists_v1_typed: [{ artist_id: 1n, name: 'One 😀 ' }],
  labels_v10: [{ label_id: 5n, name: 'Warp' }],
  label_urls_v1: [{ label_id: 5n, position: 1, url: 'http://warp' }],
  masters_v1_typed: [{ master_id: 3n, main_release_id: 10n, title: 'Work' }],
  releases_v6: [{ release_id: 10n, master_id: 3n, title: 'Work' }],
  // Orphans and doubles: warnings with samples, which both engines must tell alike.
  release_credits_v1: [7n, 8n].map((artist) => ({
    release_id: 10n,
    credit: 'artist',
    position: 1,
    artist_id: artist,
    artist_name: 'İ',
  })),
}
const doubled = { ...sound, labels_v10: [{ label_id: 5n }, { label_id: 5n }] }

const root = mkdtempSync(join(tmpdir(), 'report-trino-'))
const lakeDir = join(root, 'lake')
let trino: TrinoSettings
let store: Store
let endTurn = (): void => {}

before(async () => {
  if (skip !== false) return
  trino = await trinoServer()
  endTurn = await publishedSchemas()
  store = openStore(join(root, 'state'))
  for (const [runId, tables] of [
    [older, sound],
    [newer, sound],
    [bad, doubled],
  ] as const) {
    await writeReportedRun(stagingDir(lakeDir, runId), runId, tables)
    await sealRun(lakeDir, runId, {
      dag: 'main',
      session: '2098-01-20 06:00:00',
      params: {},
      code: { version: '0', commit: null },
    })
  }
  symlinkSync(`_runs/${older}`, join(lakeDir, 'active'))
})
after(async () => {
  if (skip !== false) return
  await using engine = await TrinoEngine.open(trino)
  for (const schema of ['discogs', 'discogs_stable', ...[older, newer, bad].map(runSchema)]) await dropSchema(engine, schema)
  endTurn()
  store.close()
  removeLake(root)
})
beforeEach(() => {
  if (skip === false) publish(newer)
})

/** Moves the pointer, with an entry in the ledger as a promotion makes it. */
function publish(runId: string): void {
  const promotion = { kind: 'promote', fromRunId: older, toRunId: runId, prevLink: null, who: 'test', reason: 'test' } as const
  store.promoting.end(store.promoting.begin(promotion, 'not gated'), 'done', null)
  moveActive(lakeDir, runId)
  for (const name of readdirSync(join(runDir(lakeDir, runId), '_reports')))
    if (name.includes('sanity')) rmSync(join(runDir(lakeDir, runId), '_reports', name))
}

function contextOf(
  sqlEngine: TaskSettings['sqlEngine'],
  more: Partial<TaskContext> = {},
  server = trino,
): ReturnType<typeof taskContext> {
  const settings = { sqlEngine, trinoUrl: server.url, trino: server, download: standardDownload }
  return taskContext({ lakeDir, runId: newer, taskId: 'report', ledger: () => ledgerOf(store), settings, ...more })
}

const active = (): string => readlinkSync(join(lakeDir, 'active'))
const reports = (runId = newer): string[] =>
  readdirSync(join(runDir(lakeDir, runId), '_reports')).filter((name) => name.includes('sanity'))

test('a sound snapshot is reported by both engines alike, samples included, and what consumers see is counted', {
  skip,
}, async () => {
  const context = contextOf('both')
  assert.deepEqual(await report(context), {})
  assert.deepEqual(reports(), ['duckdb_sanity_active_20260421_070809.csv', 'trino_sanity_active_20260421_070809.csv'])
  const csv = await readFile(join(runDir(lakeDir, newer), '_reports/trino_sanity_active_20260421_070809.csv'), 'utf8')
  assert.match(csv, /^check_name,severity,value,ok,/)
  assert.ok(csv.includes('\r\nrows.releases_v6,CRITICAL,1,true,1 rows were written,'))
  assert.ok(csv.includes('\r\nactive.rows,CRITICAL,0,true,'))
  const { checks } = context.heard
  assert.equal(checks.filter(({ checkName }) => checkName.startsWith('trino_sanity.rows.')).length, datasets.length)
  assert.ok(
    checks.some(({ sample, checkName }) => checkName === 'trino_sanity.keys.unique.release_credits_v1' && sample.length === 1),
  )
})

test('a difference in any value fails the report, which may be tried again', () => {
  const result = (value: string, sample: CheckResult['sample'] = []): CheckResult => {
    return {
      checkName: 'c',
      severity: 'WARN',
      dataset: null,
      value,
      expected: '= 0',
      previous: null,
      ok: false,
      details: '',
      durationMs: 1,
      sample,
    }
  }
  const same = (left: CheckResult, right: CheckResult) => () =>
    assertSame(
      'r',
      new Map([
        ['duckdb', [left]],
        ['trino', [right]],
      ]),
    )
  assert.doesNotThrow(same(result('1'), { ...result('1'), durationMs: 2 }))
  assert.throws(same(result('1'), result('2')), {
    retryable: true,
    message: /DuckDB and Trino differ in 1 of 1 checks: c: 1 \(\) and 2/,
  })
  assert.throws(same(result('1', [{ a: 'x' }]), result('1', [{ a: 'x ' }])), /differ/)
})

test('a critical failure found by Trino moves the pointer back, and discogs_stable with it', { skip }, async () => {
  publish(bad)
  await assert.rejects(report(contextOf('trino', { runId: bad })), (error) => {
    assert.ok(error instanceof PipelineError)
    assert.equal(error.retryable, false)
    assert.match(error.message, /1 critical check failed: keys\.unique\.labels_v10 \(1\); rolled back, active is 2098-01/)
    return true
  })
  assert.equal(active(), `_runs/${older}`)
  await using engine = await TrinoEngine.open(trino)
  assert.deepEqual((await engine.table('SELECT count(*) FROM discogs_stable.labels_v10')).rows, [[1n]])
})

/** Fails, may be tried again, and leaves the pointer: what any fault of the server must do. */
async function failsSoundly(context: TaskContext, message: RegExp, retryable = true): Promise<void> {
  await assert.rejects(report(context), (error) => {
    assert.ok(error instanceof PipelineError)
    assert.match(error.message, message)
    assert.equal(error.retryable, retryable, error.message)
    return true
  })
  assert.equal(active(), `_runs/${newer}`)
  assert.deepEqual(reports(), [])
}

test('a wrong catalog, a wrong password and a wrong address fail the report and move nothing', {
  skip,
  timeout: 60_000,
}, async () => {
  await failsSoundly(contextOf('trino', {}, { ...trino, catalog: 'hvie' }), /no catalog hvie/, false)
  await failsSoundly(contextOf('trino', {}, { ...trino, password: 'wrong' }), /in the clear/, false)
  await failsSoundly(contextOf('trino', {}, { ...trino, url: 'http://127.0.0.1:1' }), /cannot be asked/)
})

test('a lake that the server reads as nothing is no reason to roll back', { skip }, async () => {
  await failsSoundly(
    contextOf('trino', {}, { ...trino, lakeUri: `file://${lakeDir}` }),
    /Trino sees other rows than were written/,
  )
})

/** Does something once, when the report has begun to ask. */
function inTheMiddle(sqlEngine: TaskSettings['sqlEngine'], act: () => Promise<void>, server = trino): TaskContext {
  let acting: Promise<void> | null = null
  const context = contextOf(sqlEngine, {}, server)
  const progress: TaskContext['progress'] = ({ done }) => {
    if (done >= 5) acting ??= act()
  }
  return { ...context, progress }
}

interface Gate extends AsyncDisposable {
  readonly settings: TrinoSettings
  /** Session property of every further statement. */
  property: string | null
}

/** The server, through a gate that statements pass; their answers name the server itself as the next address. */
async function gateTo(server: TrinoSettings): Promise<Gate> {
  const proxy = createServer((request, response) => {
    const session = gate.property === null ? {} : { 'x-trino-session': gate.property }
    const headers = { ...request.headers, host: new URL(server.url).host, ...session }
    const passedOn = httpRequest(`${server.url}${request.url}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passedOn.on('error', () => response.destroy())
    request.pipe(passedOn)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const gate: Gate = {
    settings: { ...server, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` },
    property: null,
    [Symbol.asyncDispose]: async () => {
      proxy.close()
      proxy.closeAllConnections()
      await once(proxy, 'close')
    },
  }
  return gate
}

test('a table that is dropped behind our back, and a server that runs out of memory in the middle, fail the report, naming the query; the next try makes the table again and, with memory, succeeds', {
  skip,
}, async () => {
  await using engine = await TrinoEngine.open(trino)
  const drop = () => engine.execute(`DROP TABLE ${runSchema(newer)}.releases_v6`)
  await failsSoundly(inTheMiddle('trino', drop), /TABLE_NOT_FOUND|releases_v6/)
  await using gate = await gateTo(trino)
  const limit = (): Promise<void> => {
    // The limit of all nodes is only looked at once a second.
    gate.property = 'query_max_memory_per_node=1kB'
    return Promise.resolve()
  }
  await failsSoundly(
    inTheMiddle('trino', limit, gate.settings),
    /^report: [\w.]+: trino: [\w./ ]+: EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit of 1kB.*\(query \d{8}_\w+\)$/,
  )
  gate.property = null
  assert.deepEqual(await report(contextOf('trino', { tryNumber: 2 }, gate.settings)), {})
  assert.equal(active(), `_runs/${newer}`)
})

test('a server that is killed in the middle fails the report; rebuilt from nothing, on file: URIs, it gives the same answers', {
  skip,
}, async () => {
  const { cacheDir, javaHome } = loadConfig().localTrino
  const stateDir = `${testStateDir()}-kill`
  const start = () =>
    startTrino({
      // The other kind of base URI: with Hadoop's file system locations are file:/…, as on most servers.
      settings: { cacheDir, javaHome, jvm: testJvm, stateDir, port: null, heapMb: 768, fileSystem: 'hadoop' },
      lakeDir,
      say: () => {},
    })
  const server = await start()
  try {
    const kill = async (): Promise<void> => {
      process.kill(server.pid, 'SIGKILL')
      return Promise.resolve()
    }
    await failsSoundly(inTheMiddle('trino', kill, localSettings(server)), /cannot be asked|ended|ECONN|socket|REMOTE/)
    // All that it knew is thrown away.
    rmSync(stateDir, { recursive: true, force: true })
    const rebuilt = localSettings(await start())
    const { changes, verified } = await syncTrino({ lakeDir, trino: rebuilt, runs: [], active: true })
    assert.equal(changes.length, 3 * (datasets.length + compatibilityViews.length + 1))
    assert.equal(verified, 2 * datasets.length)
    assert.deepEqual(await report(contextOf('both', {}, rebuilt)), {})
    await assertFollowsPointer(rebuilt)
  } finally {
    await stopTrino(stateDir)
    rmSync(stateDir, { recursive: true, force: true })
  }
})

/** After a move of the pointer the very next query of `discogs` sees the files of that run, without any statement. */
async function assertFollowsPointer(server: TrinoSettings): Promise<void> {
  assert.match(server.lakeUri ?? '', /^file:/)
  await using engine = await TrinoEngine.open(server)
  for (const runId of [older, newer, older, newer]) {
    moveActive(lakeDir, runId)
    const { rows } = await engine.table('SELECT DISTINCT "$path" FROM discogs.releases_v6')
    assert.match(String(rows), new RegExp(`^file:/.*/active/releases_v6/${runId}-00000\\.parquet$`))
  }
}

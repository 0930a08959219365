import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PipelineError } from '../../src/errors.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import type { SqlTable, SqlValue } from '../../src/sql/engine.ts'
import { openEngine } from '../../src/sql/open.ts'
import { TrinoEngine, type TrinoSettings, trinoFailure } from '../../src/sql/trino.ts'
import { freePort } from '../support/free-port.ts'
import { ownSchema, skipTrino, trinoServer } from '../support/trino-server.ts'

const endless = `SELECT count(*) FROM unnest(sequence(1, 10000)) AS a(x) CROSS JOIN unnest(sequence(1, 10000)) AS b(y)
  CROSS JOIN unnest(sequence(1, 1000)) AS c(z) WHERE x * y + z = 7`

describe('a real Trino server', { skip: skipTrino, concurrency: 1 }, () => {
  let settings: TrinoSettings
  let engine: TrinoEngine

  before(async () => {
    settings = await trinoServer()
    engine = await TrinoEngine.open(settings)
  })

  test('every type comes as the interface says', async () => {
    const table =
      await engine.table(`SELECT BIGINT '9007199254740993' AS a, -9223372036854775808 AS b, BIGINT '9223372036854775807' AS c,
      BIGINT '1' AS d, 2147483647 AS e, SMALLINT '-3' AS f, DOUBLE '1.5' AS g, REAL '0.25' AS h, DECIMAL '12.340' AS i,
      DECIMAL '99999999999999999999999999999999999999' AS j, DATE '0001-01-01' AS k, TIMESTAMP '2026-01-01 23:59:59.123456' AS l,
      true AS m, false AS n, 'x' AS o, '' AS p, CAST('ab' AS char(4)) AS q, 12345678901234567e0 AS r`)
    assert.deepEqual(table, {
      columns: Array.from('abcdefghijklmnopqr'),
      rows: [
        [
          9007199254740993n,
          -9223372036854775808n,
          9223372036854775807n,
          1n,
          2147483647,
          -3,
          1.5,
          0.25,
          '12.340',
          '99999999999999999999999999999999999999',
          '0001-01-01',
          '2026-01-01 23:59:59.123456',
          true,
          false,
          'x',
          '',
          'ab  ',
          12345678901234568,
        ],
      ],
    })
  })

  test('NULL of every type is null; a double may be no number', async () => {
    const types = ['bigint', 'integer', 'double', 'boolean', 'date', 'varchar', 'decimal(10,2)', 'array(bigint)']
    const { rows } = await engine.table(`SELECT ${types.map((type) => `CAST(NULL AS ${type})`).join(', ')}, NULL`)
    assert.deepEqual(rows, [Array(types.length + 1).fill(null)])
    assert.deepEqual((await engine.table('SELECT nan(), infinity(), -infinity(), CAST(nan() AS real)')).rows, [
      [Number.NaN, Infinity, -Infinity, Number.NaN],
    ])
  })

  test('nested values are JSON with exact numbers', async () => {
    const { rows } = await engine.table(
      "SELECT ARRAY[9007199254740993, NULL], MAP(ARRAY['k'], ARRAY[BIGINT '-9223372036854775808']), ROW(1, 'x', true)",
    )
    assert.deepEqual(rows, [['[9007199254740993,null]', '{"k":-9223372036854775808}', '[1,"x",true]']])
  })

  test('a result without rows has its columns; a statement without a result has none', async () => {
    assert.deepEqual(await engine.table('SELECT 1 AS a, 2 AS b WHERE false'), { columns: ['a', 'b'], rows: [] })
    const schema = ownSchema('empty')
    assert.deepEqual(await engine.table(`CREATE SCHEMA ${schema};`), { columns: [], rows: [] })
    await engine.execute(`DROP SCHEMA ${schema} -- gone\n ; `)
  })

  test('parameters come back as they went in, whatever they hold', async () => {
    const texts = [
      '',
      "it's",
      "'; DROP SCHEMA x; --",
      "\\' OR 1=1 --",
      "''",
      '?',
      '/*',
      '*/',
      '--',
      '"',
      '$$',
      'a\nb\r\n\tc',
      '\0',
      '😀 𐍈 ﷽ é',
      '\u2028\u00a0\ufeff',
      "U&'\\0027'",
      '${ENV:HOME}',
      '{{x}}',
      ' ',
    ]
    const numbers = [0, -5, 2 ** 31, -(2 ** 31), 1.5, -0.1, 1e300, 5e-324, Number.MAX_SAFE_INTEGER]
    const others = [true, false, null, 9223372036854775807n, -9223372036854775808n, 9007199254740993n, 0n]
    const values: readonly SqlValue[] = [...texts, ...numbers, ...others]
    const { rows } = await engine.table(`SELECT ${values.map(() => '?').join(', ')}`, values)
    assert.deepEqual(
      rows[0]?.map((value) => (typeof value === 'bigint' ? Number(value) : value)),
      values.map((value) => (typeof value === 'bigint' ? Number(value) : value)),
    )
    assert.deepEqual(rows[0]?.slice(-4), others.slice(-4))
    assert.deepEqual(await engine.query('SELECT 5 - ? AS a, 5-? AS b, -? AS c', [-5, -5n, -7]), [{ a: 10, b: 10n, c: 7 }])
    assert.deepEqual(
      (await engine.table('SELECT x FROM unnest(sequence(1, 9)) AS t(x) ORDER BY x OFFSET ? LIMIT ?', [2, 1])).rows,
      [[3n]],
    )
  })

  test('a ? in a text, a name or a comment is no parameter', async () => {
    const sql = `SELECT '?''?' AS "?""?", /* ? ' */ ? AS b -- ? ' "
      , U&'?' AS c /* /* ? */`
    assert.deepEqual(await engine.query(sql, ['one']), [{ '?"?': "?'?", b: 'one', c: '?' }])
    await assert.rejects(engine.table(sql, []), { message: /SYNTAX_ERROR|INVALID_PARAMETER_USAGE/ })
    await assert.rejects(engine.table(sql, [1, 2]), { message: /2 parameters are given for 1 \?/, retryable: false })
    await assert.rejects(engine.table('SELECT ?', ['\ud800']), { message: /half a surrogate pair/, retryable: false })
  })

  test('texts of four bytes a letter and of a megabyte survive both ways', async () => {
    const text = '😀𐍈'.repeat(65_536)
    const [row] = await engine.query('SELECT ? AS x, length(?) AS characters', [text, text])
    assert.deepEqual([row?.['x'] === text, row?.['characters']], [true, 131_072n])
  })

  test('an error names the statement, what the server calls it, the query and the place in the text that was given', async () => {
    const text = "SELECT norm('É😀'), ?,\n  '😀', nowhere, ? FROM (VALUES 1) AS t(x)"
    const error: unknown = await engine.table({ name: 'sql/some.sql', text }, ["it''s long", 12]).catch((error: unknown) => error)
    const failure = trinoFailure(error)
    assert.ok(error instanceof PipelineError && failure !== null)
    assert.match(
      error.message,
      /^trino: sql\/some\.sql: COLUMN_NOT_FOUND: Column 'nowhere' .* \(query \d{8}_\d{6}_\w+, line 2:8\)$/,
    )
    assert.deepEqual(
      [failure.errorName, failure.errorType, failure.position, error.retryable],
      ['COLUMN_NOT_FOUND', 'USER_ERROR', { line: 2, column: 8 }, false],
    )
    for (const [sql, name] of [
      ['SELEC 1', 'SYNTAX_ERROR'],
      ['SELECT 1; SELECT 2', 'SYNTAX_ERROR'],
      ['SELECT * FROM hive.nowhere.t', 'SCHEMA_NOT_FOUND'],
      ['SELECT * FROM nowhere.a.b', 'CATALOG_NOT_FOUND'],
      ['SELECT * FROM t', 'MISSING_SCHEMA_NAME'],
      ["SELECT CAST('x' AS bigint)", 'INVALID_CAST_ARGUMENT'],
    ] as const) {
      const error: unknown = await engine.table(sql).catch((error: unknown) => error)
      assert.equal(trinoFailure(error)?.errorName, name, sql)
    }
  })

  test('a statement of nothing is refused', async () => {
    await assert.rejects(engine.table(' -- nothing'), { message: /SYNTAX_ERROR|HTTP 400/ })
    await assert.rejects(engine.table(''), { message: /HTTP 400: .*SQL statement is empty/, retryable: false })
  })

  test('an error after many rows is an error, not a short result', async () => {
    const late = `SELECT CASE WHEN x * y = 990000 THEN 1 / (x * y - 990000) ELSE x END
      FROM unnest(sequence(1, 1000)) AS a(x) CROSS JOIN unnest(sequence(1, 1000)) AS b(y)`
    await assert.rejects(engine.table(late), { message: /DIVISION_BY_ZERO/ })
  })

  test('a million rows stream in pages', async () => {
    let [count, sum, pages] = [0, 0n, 0]
    for await (const { columns, rows } of engine.stream(
      'SELECT x * 1000 + y AS n, CAST(x AS varchar) AS t FROM unnest(sequence(0, 999)) AS a(x) CROSS JOIN unnest(sequence(0, 999)) AS b(y)',
    )) {
      assert.deepEqual(columns, ['n', 't'])
      pages++
      count += rows.length
      for (const [n] of rows) sum += n as bigint
    }
    assert.deepEqual([count, sum], [1_000_000, 499_999_500_000n])
    assert.ok(pages > 5)
  })

  test('an abort ends the query here and on the server', async () => {
    const stop = new AbortController()
    const aborted = ownSchema('aborted')
    const running = Promise.withResolvers<void>()
    await using stoppable = await TrinoEngine.open(settings, { signal: stop.signal, onProgress: () => running.resolve() })
    const asked = stoppable.table(`${endless} AND 1 = 1 -- ${aborted}`)
    asked.catch(() => {})
    await Promise.all([running.promise, sleep(500)])
    const abortedMs = performance.now()
    stop.abort(new Error('enough'))
    await assert.rejects(asked, { name: 'PipelineError', message: /stopped: enough/ })
    assert.ok(performance.now() - abortedMs < 5_000)
    assert.deepEqual(await statesOf(aborted), ['FAILED USER_CANCELED'])
    await assert.rejects(stoppable.table('SELECT 1'), { message: /stopped: enough/ })
  })

  test('a query is ended on the server when nobody reads on, and when its time is over', async () => {
    // The server remembers the queries of earlier runs.
    const [left, late] = [ownSchema('left'), ownSchema('late')]
    for await (const { rows } of engine.stream(
      `SELECT a.x FROM unnest(sequence(1, 10000)) AS a(x) CROSS JOIN unnest(sequence(1, 10000)) AS b(y) -- ${left}`,
    )) {
      assert.ok(rows.length > 0)
      break
    }
    assert.deepEqual(await statesOf(left), ['FAILED USER_CANCELED'])
    const hasty = await TrinoEngine.open(settings, { timeoutMs: 1_500 })
    await assert.rejects(hasty.table(`${endless} -- ${late}`), { message: /no result within 1\.5 s/ })
    assert.deepEqual(await statesOf(late), ['FAILED USER_CANCELED'])
  })

  /** How the server ended the queries that hold a text. */
  async function statesOf(part: string): Promise<SqlValue[]> {
    const sql = `SELECT state || ' ' || coalesce(error_code, '') AS ending FROM system.runtime.queries
      WHERE query LIKE ? AND query NOT LIKE '%runtime.queries%' AND state NOT IN ('FINISHING')`
    for (let tries = 0; ; tries++) {
      const endings = (await engine.table(sql, [`%-- ${part}`])).rows.flat()
      if (endings.every((ending) => String(ending).startsWith('F')) || tries > 20) return endings
      await sleep(100)
    }
  }

  test('session properties hold for every statement; SET SESSION and USE for none after it', async () => {
    const session = { query_max_run_time: '1h', join_distribution_type: 'BROADCAST' }
    const other = await TrinoEngine.open(settings, { session })
    const shown = async (): Promise<SqlValue | undefined> =>
      (await other.table("SHOW SESSION LIKE 'join_distribution_type'")).rows[0]?.[1]
    assert.equal(await shown(), 'BROADCAST')
    await other.execute("SET SESSION join_distribution_type = 'PARTITIONED'")
    assert.equal(await shown(), 'BROADCAST')
    await assert.rejects((await TrinoEngine.open(settings)).withSchema('x').table('SELECT * FROM t'), {
      message: /Schema 'x' does not/,
    })
    await assert.rejects(TrinoEngine.open(settings, { session: { nothing_like_that: 'a,b=c' } }), {
      message: /nothing_like_that/,
    })
  })

  test('progress counts splits up to all of them', async () => {
    const seen: { done: number; total: number }[] = []
    const watched = await TrinoEngine.open(settings, { onProgress: (progress) => seen.push(progress) })
    seen.length = 0
    await watched.table('SELECT count(*) FROM unnest(sequence(1, 10000)) AS a(x) CROSS JOIN unnest(sequence(1, 1000)) AS b(y)')
    const last = seen.at(-1)
    assert.ok(seen.length >= 2 && last !== undefined && last.total > 0)
    assert.equal(last.done, last.total)
  })

  test('the norms are those of DuckDB for every code point', async () => {
    await using duckdb = await DuckDbEngine.open({ threads: 2 })
    const select = (
      from: string,
    ): string => `SELECT i, '=' || simple_lower(chr(i)), '=' || norm(chr(i)), norm_name('a' || chr(i) || ' B (1)' || chr(i)) FROM ${from}
      WHERE i BETWEEN 1 AND 1114111 AND i NOT BETWEEN 55296 AND 57343 ORDER BY i`
    const expected = await duckdb.table(
      select('(SELECT i::INT AS i FROM range(1, 1114112) AS r(i)) AS t').replace('SELECT i,', 'SELECT i::BIGINT,'),
    )
    const actual = await engine.table(
      select(
        '(SELECT x * 2000 + y AS i FROM unnest(sequence(0, 557)) AS a(x) CROSS JOIN unnest(sequence(0, 1999)) AS b(y)) AS t',
      ),
    )
    assert.equal(actual.rows.length, 1_112_063)
    assert.deepEqual(differences(expected, actual).slice(0, 10), [])
  })

  test('norms work wherever a query stands', async () => {
    const schema = ownSchema('norms')
    await engine.execute(`CREATE SCHEMA ${schema}`)
    const own = engine.withSchema(schema)
    await own.execute({
      name: 'ctas',
      text: "CREATE TABLE t (a) COMMENT 'norm(x)' WITH (format = 'PARQUET') AS SELECT norm_name('X  (3)')",
    })
    await own.execute("INSERT INTO t (a) SELECT norm(' Y ')")
    await own.execute('CREATE TABLE u AS WITH w AS (SELECT norm(a) AS b FROM t) SELECT b, NORM_NAME (b) AS c FROM w')
    assert.deepEqual((await own.table('SELECT b, c FROM u ORDER BY b')).rows, [
      ['x', 'x'],
      ['y', 'y'],
    ])
    assert.deepEqual((await own.table("SELECT 'norm(x)', norm(NULL), norm_name(CAST(NULL AS varchar)) -- norm(x)")).rows, [
      ['norm(x)', null, null],
    ])
    assert.match(String((await own.table("EXPLAIN SELECT norm('Q')")).rows[0]?.[0]), /varchar 'q'/)
    await assert.rejects(own.execute('CREATE VIEW v AS SELECT norm(a) AS b FROM t'), {
      message: /Views cannot contain inline functions/,
    })
    await engine.execute(`DROP SCHEMA ${schema} CASCADE`)
  })

  test('opening says what is wrong with the address, the catalog, the secrets', async () => {
    const opening = (changes: Partial<TrinoSettings>): Promise<TrinoEngine> =>
      TrinoEngine.open({ ...settings, ...changes }, { patienceMs: 300 })
    await assert.rejects(opening({ url: 'http://127.0.0.1:9' }), {
      message: /cannot be asked: .*ECONNREFUSED/,
      hint: /TRINO_URL/,
    })
    await assert.rejects(opening({ url: 'http://no-such-host.invalid:8080' }), {
      message: /cannot be asked: .*(ENOTFOUND|EAI_AGAIN)/,
    })
    await assert.rejects(opening({ catalog: 'nowhere' }), {
      message: /has no catalog nowhere/,
      hint: /hive, .*system/,
      retryable: false,
    })
    await assert.rejects(opening({ password: 's3cret' }), {
      message: /TRINO_PASSWORD would be sent .* in the clear/,
      hint: /https/,
    })
    await assert.rejects(opening({ jwt: 's3cret' }), { message: /TRINO_JWT would be sent .* in the clear/ })
    await assert.rejects(opening({ caFile: '/nowhere/ca.pem' }), { message: /TRINO_CA_FILE .*ENOENT/ })
    await assert.rejects(opening({ url: settings.url.replace('http:', 'https:') }), { message: /cannot be asked/ })
  })

  test('openEngine opens it too', async () => {
    await using opened = await openEngine({ sqlEngine: 'trino', trino: settings }, { schema: 'information_schema' })
    assert.equal(opened.name, 'trino')
    assert.equal((await opened.query("SELECT 1 AS one FROM schemata WHERE schema_name = 'information_schema'")).length, 1)
  })

  test('a server that begins to listen later, or is too busy for a while, is waited for', async () => {
    const port = await freePort()
    const opening = TrinoEngine.open({ ...settings, url: `http://127.0.0.1:${port}` })
    await sleep(700)
    // Real answers, through a proxy that is too busy every other time.
    await using proxy = await busyProxy(settings.url, port)
    const proxied = await opening
    assert.deepEqual(
      (
        await proxied.table(
          'SELECT count(*) FROM unnest(sequence(1, 10000)) AS a(x) CROSS JOIN unnest(sequence(1, 1000)) AS b(y)',
        )
      ).rows,
      [[10_000_000n]],
    )
    assert.ok(proxy.refusals > 2)
  })

  test('what an HTTP error says is passed on, secrets are not', async () => {
    await using proxy = await busyProxy(settings.url, await freePort(), () => 401)
    const error: unknown = await TrinoEngine.open({ ...settings, url: proxy.url }).catch((error: unknown) => error)
    assert.ok(error instanceof PipelineError)
    assert.match(error.message, /answers HTTP 401: refused by the test/)
    assert.deepEqual([error.retryable, error.hint], [false, 'check TRINO_USER, and TRINO_PASSWORD or TRINO_JWT'])
    assert.ok(!JSON.stringify(error.cause).includes('Authorization'))
  })

  after(() => engine?.[Symbol.asyncDispose]())
})

function differences(expected: SqlTable, actual: SqlTable): unknown[] {
  return expected.rows.flatMap((row, index) => {
    const other = actual.rows[index]
    return row.every((value, column) => value === other?.[column]) ? [] : [[row, other]]
  })
}

interface Proxy extends AsyncDisposable {
  readonly url: string
  readonly refusals: number
}

/** @param status of the n-th request; undefined passes it on */
async function busyProxy(
  target: string,
  port: number,
  status = (n: number): number | undefined => (n % 2 === 0 ? 503 : undefined),
): Promise<Proxy> {
  let [requests, refusals] = [0, 0]
  const url = `http://127.0.0.1:${port}`
  const server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const refusal = status(requests++)
      if (refusal !== undefined) {
        refusals++
        response.writeHead(refusal).end('<html>refused by the test</html>')
        return
      }
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => name.startsWith('x-trino') || name === 'authorization'),
      ) as Record<string, string>
      const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }
      const answer = await fetch(`${target}${request.url}`, { method: request.method ?? 'GET', headers, ...body })
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end((await answer.text()).replaceAll(target, url))
    })()
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(port, '127.0.0.1', resolve)
  await promise
  return {
    url,
    get refusals() {
      return refusals
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

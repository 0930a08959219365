import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { ParquetReader } from '@dsnp/parquetjs'
import { dumps } from '../../src/discogs/catalogue.ts'
import type { DumpName } from '../../src/discogs/dataset.ts'
import { generatedMark } from '../../src/discogs/generated-mark.ts'
import { recordHashVersion } from '../../src/discogs/record-hash-version.ts'
import { generateDump } from '../../src/demo/generate.ts'
import { readStageReports } from '../../src/lake/read-stage-reports.ts'
import { type StageReport } from '../../src/lake/stage-report.ts'
import { stagingDir } from '../../src/lake/layout.ts'
import { registerZstd } from '../parquet/support/zstd.ts'
import type { TaskResult } from '../../src/scheduler/context.ts'
import { readFooter } from '../../src/tasks/checks/parquet-footer.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { registerRun } from '../../src/sql/run-views.ts'
import { loadSql } from '../../src/sql/texts.ts'
import { ingest } from '../../src/tasks/ingest.ts'
import { expected } from '../fixtures/odd/expected.ts'
import { taskContext } from '../support/task-context.ts'

const root = mkdtempSync(join(tmpdir(), 'ingest-'))
after(() => rmSync(root, { recursive: true }))
registerZstd()

const runId = '2026-04__20260420_060000'
let places = 0

/** A lake and a folder of dumps of its own. */
class Place {
  readonly lakeDir = join(root, `${++places}`, 'lake')
  readonly rawDir = join(root, `${places}`, 'raw')
  readonly staging = stagingDir(this.lakeDir, runId)

  constructor() {
    mkdirSync(join(this.rawDir, '2026-04'), { recursive: true })
  }

  dumpPath(dump: DumpName): string {
    return join(this.rawDir, '2026-04', `discogs_20260401_${dump}.xml.gz`)
  }

  ingest(
    dump: DumpName,
    bytes: Buffer | null,
    params: Record<string, string> = {},
    args: readonly string[] = [],
  ): Promise<TaskResult> {
    if (bytes !== null) writeFileSync(this.dumpPath(dump), bytes)
    const context = taskContext({
      runId,
      lakeDir: this.lakeDir,
      rawDir: this.rawDir,
      args: [dump, ...args],
      params: { dump_month: '2026-04', ...params },
    })
    return ingest(context)
  }

  report(dump: DumpName): StageReport | undefined {
    return readStageReports(this.staging).find((report) => report.dump === dump)
  }

  quarantine(dump: DumpName): unknown[] {
    const file = join(this.staging, '_reports', `quarantine_${dump}.jsonl`)
    return existsSync(file)
      ? readFileSync(file, 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown)
      : []
  }

  /** Of every file, record hashes included, in the order of the datasets. */
  hashes(): string[] {
    return this.datasets().flatMap((name) =>
      globSync('**/*.parquet', { cwd: join(this.staging, name) })
        .toSorted()
        .map((file) => {
          const hash = createHash('sha256').update(readFileSync(join(this.staging, name, file)))
          return `${name}/${file} ${hash.digest('hex')}`
        }),
    )
  }

  /** Directories of datasets and record hashes, finished or not. */
  datasets(): string[] {
    return existsSync(this.staging) ? readdirSync(this.staging).filter((name) => name !== '_reports') : []
  }
}

function odd(dump: DumpName): Buffer {
  return readFileSync(new URL(`../fixtures/odd/${dump}.xml`, import.meta.url))
}

const connection = await (await DuckDBInstance.create()).connect()

async function duckDbRows(file: string): Promise<unknown[]> {
  const rows = (await connection.runAndReadAll(`select * from read_parquet('${file}')`)).getRowsJson()
  return rows
}

function jsonValue(value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : (value ?? null)
}

/** The rows as parquetjs reads them, in the form DuckDB gives as JSON. */
async function parquetJsRows(file: string, columns: readonly { readonly name: string }[]): Promise<unknown[]> {
  const reader = await ParquetReader.openFile(file)
  try {
    const cursor = reader.getCursor()
    const rows: unknown[] = []
    for (let row = await cursor.next(); row !== null; row = await cursor.next()) {
      const record = row as Record<string, unknown>
      rows.push(columns.map(({ name }) => jsonValue(record[name])))
    }
    return rows
  } finally {
    await reader.close()
  }
}

for (const dump of dumps) {
  test(`every value of the odd ${dump.name} is in Parquet, in two independent readers`, async () => {
    const place = new Place()
    const result = await place.ingest(dump.name, gzipSync(odd(dump.name)))
    for (const { name, columns } of dump.datasets) {
      const file = join(place.staging, name, `${runId}-00000.parquet`)
      assert.deepEqual(await duckDbRows(file), expected[name], `${name} in DuckDB`)
      assert.deepEqual(await parquetJsRows(file, columns), expected[name], `${name} in parquetjs`)
      assert.equal(result.rows?.[name], expected[name]?.length)
    }
    const report = place.report(dump.name)
    assert.deepEqual(
      Object.keys(report?.datasets ?? {}),
      dump.datasets.map(({ name }) => name),
    )
    assert.equal(
      report?.source?.sha256,
      createHash('sha256')
        .update(readFileSync(place.dumpPath(dump.name)))
        .digest('hex'),
    )
  })
}

test('every accepted record has one row of hashes, in the order of the dump; changed records have other hashes', async () => {
  const label = (id: number, name: string): string => `<label><id>${id}</id><name>${name}</name></label>`
  const hashesOf = async (...records: readonly string[]): Promise<unknown[]> => {
    const place = new Place()
    const result = await place.ingest('labels', gzipSync(`<labels>${records.join('\n')}</labels>`), { quarantine_cap: '1' })
    const { recordHashes, datasets } = place.report('labels') ?? {}
    const path = `_record_hashes/labels/${runId}-00000.parquet`
    const { size } = statSync(join(place.staging, path))
    assert.deepEqual(recordHashes, { version: recordHashVersion(), rows: 3, files: [{ path, rows: 3, bytes: size }] })
    const names = ['label_sublabels_v1', 'label_urls_v1', 'labels_v10']
    assert.deepEqual([Object.keys(datasets ?? {}).toSorted(), Object.keys(result.rows ?? {}).toSorted()], [names, names])
    const { columns } = await readFooter(join(place.staging, path))
    assert.deepEqual(columns, [
      { name: 'id', type: 'BIGINT' },
      { name: 'record_hash', type: 'BIGINT' },
    ])
    return duckDbRows(join(place.staging, path))
  }
  const before = await hashesOf(label(9, 'a'), label(2, 'b'), '<label><id>0</id></label>', label(5, 'c'))
  const after = await hashesOf(label(2, 'b'), label(9, 'a'), '<label><id>5</id><name><![CDATA[d]]></name></label>')
  const [nine, two, five] = before as [string, string][]
  assert.deepEqual([nine?.[0], two?.[0], five?.[0]], ['9', '2', '5'])
  assert.deepEqual(after.slice(0, 2), [two, nine])
  assert.notDeepEqual(after[2], five)
})

test('a credit with a name variation and no name is a row of the credits, and no name among the artists', async () => {
  const place = new Place()
  const unnamed = '<artist><id>0</id><name></name><anv>The Unknown</anv><join>&amp;</join></artist>'
  const named = '<artist><id>2</id><name>Mr. James Barth</name><anv>Barth</anv></artist>'
  await place.ingest('releases', gzipSync(`<releases><release id="9"><artists>${unnamed}${named}</artists></release></releases>`))
  await using engine = await DuckDbEngine.open()
  const tables = dumps.flatMap(({ datasets }) => datasets).filter(({ dump }) => dump === 'releases')
  await registerRun(engine, place.staging, tables)
  assert.deepEqual(await engine.query('SELECT artists FROM releases_v6'), [{ artists: 'Mr. James Barth' }])
  assert.deepEqual(await engine.query('SELECT position, artist_id, artist_name, anv, join_phrase FROM release_credits_v1'), [
    { position: 1, artist_id: null, artist_name: null, anv: 'The Unknown', join_phrase: '&' },
    { position: 2, artist_id: 2n, artist_name: 'Mr. James Barth', anv: 'Barth', join_phrase: null },
  ])
  assert.deepEqual(await engine.query(await loadSql('build/release_artists_v1')), [
    { release_id: 9n, artist_norm: 'mr. james barth', artist_id: 2n, artist_name: 'Mr. James Barth' },
  ])
})

test('a second try over the first gives the same files', async () => {
  const place = new Place()
  await place.ingest('labels', gzipSync(odd('labels')))
  const first = place.hashes()
  mkdirSync(join(place.staging, '.tmp-labels_v10'))
  writeFileSync(join(place.staging, '.tmp-labels_v10', 'left over'), 'x')
  await place.ingest('labels', null)
  assert.deepEqual(place.hashes(), first)
  assert.equal(first.length, 4)
})

test('several gzip members are read as one', async () => {
  const place = new Place()
  const bytes = odd('labels')
  const members = [bytes.subarray(0, 100), bytes.subarray(100, 101), bytes.subarray(101)].map((part) => gzipSync(part))
  await place.ingest('labels', Buffer.concat([...members, Buffer.alloc(9)]))
  for (const name of ['labels_v10', 'label_urls_v1', 'label_sublabels_v1'])
    assert.deepEqual(await duckDbRows(join(place.staging, name, `${runId}-00000.parquet`)), expected[name])
})

test('any number of workers gives the same files, byte by byte', async () => {
  const place = new Place()
  await generateDump({ path: place.dumpPath('releases'), dump: 'releases', until: { xmlBytes: 9_000_000 } })
  const results: string[][] = []
  for (const workers of ['1', '2', '3']) {
    await place.ingest('releases', null, {}, ['--workers', workers])
    results.push(place.hashes())
  }
  assert.deepEqual(results[1], results[0])
  assert.deepEqual(results[2], results[0])
  assert.equal(results[0]?.length, 13)
})

test('a dump without a root gives the same rows, for any number of workers; quarantine names the same places', async () => {
  const bad = Buffer.from('<label><id>0</id>&uuml;</label>')
  const path = join(root, 'rooted.xml.gz')
  await generateDump({ path, dump: 'labels', until: { xmlBytes: 3_000_000 } })
  const generated = gunzipSync(readFileSync(path)).toString().replace('</labels>', `${bad.toString()}\n</labels>`)
  const rootless = generated.replaceAll(/<\/?labels>/g, (tag) => ' '.repeat(tag.length))
  assert.match(rootless.slice(0, 500), /^[^]*?-->\s*<label>/)
  const results: unknown[] = []
  for (const [xml, workers] of [
    [generated, '2'],
    [rootless, '1'],
    [rootless, '3'],
  ] as const) {
    const place = new Place()
    await place.ingest('labels', gzipSync(xml, { level: 1 }), { quarantine_cap: '1' }, ['--workers', workers])
    const rows = await duckDbRows(join(place.staging, 'labels_v10', `${runId}-00000.parquet`))
    const { records, census } = place.report('labels') ?? {}
    results.push({ rows, records, census, quarantine: place.quarantine('labels') })
    if (xml === rootless) results.push(place.hashes())
  }
  const [rooted, one, oneHashes, three, threeHashes] = results
  assert.deepEqual(one, rooted)
  assert.deepEqual(three, rooted)
  assert.deepEqual(threeHashes, oneHashes)
})

test('a rootless dump is cut short when its gzip or its last record is, and only then', async () => {
  const place = new Place()
  const xml = `${good}\n<label><id>8</id></label>\n`
  await place.ingest('labels', gzipSync(xml))
  assert.equal(place.report('labels')?.records, 2)
  await assert.rejects(place.ingest('labels', gzipSync(xml).subarray(0, -4)), /the gzip stream is cut short/)
  await assert.rejects(place.ingest('labels', gzipSync(xml.slice(0, -5))), /after record 1, .*: the XML ends inside a record/)
})

test('limit takes the first records and no more of the file, the same for any number of workers', async () => {
  const path = join(root, 'long.xml.gz')
  await generateDump({ path, dump: 'artists', until: { xmlBytes: 6_000_000 } })
  const bytes = readFileSync(path)
  const all = new Place()
  await all.ingest('artists', bytes)
  const rowsOf = (place: Place): Promise<unknown[]> =>
    duckDbRows(join(place.staging, 'artists_v1_typed', `${runId}-00000.parquet`))
  const rows = await rowsOf(all)
  for (const limit of [1, 40, 3000]) {
    const results: unknown[] = []
    for (const workers of ['1', '3']) {
      const place = new Place()
      // Nobody looks at what comes after the records: the damage at the end of the file is not met.
      const result = await place.ingest('artists', corrupted(bytes, -8), { limit: String(limit) }, ['--workers', workers])
      assert.deepEqual(await rowsOf(place), rows.slice(0, limit))
      const { source, records, census } = place.report('artists') ?? {}
      assert.deepEqual([records, source?.firstRecords, source?.sha256, source?.verification], [limit, limit, null, 'unverified'])
      assert.equal(result.inputs?.[0]?.sha256, null)
      results.push([place.hashes(), census])
    }
    assert.deepEqual(results[1], results[0])
  }
})

test('a limit that the dump does not reach reads all of it, and verifies it', async () => {
  const place = new Place()
  const xml = `<labels>${good}\n<label><id>8</id></label></labels>`
  for (const limit of ['2', '3']) {
    await place.ingest('labels', gzipSync(xml), { limit })
    const { source, records } = place.report('labels') ?? {}
    assert.deepEqual([records, source?.firstRecords, source?.sha256?.length], [2, undefined, 64])
  }
  await place.ingest('labels', gzipSync(`<labels>${good}\n<label>&a;</label>\n${good}\n</labels>`), { limit: '1' })
  assert.deepEqual([place.report('labels')?.records, place.quarantine('labels').length], [1, 0])
})

test('the mark of a generated dump is reported, wherever the file comes from; a record that quotes it is none', async () => {
  const place = new Place()
  const labels = '<labels><label><id>1</id></label></labels>'
  await place.ingest('labels', gzipSync(`<?xml version="1.0"?>\n<!-- a -->${generatedMark}\n${labels}`))
  assert.equal(place.report('labels')?.generated, true)
  await place.ingest('labels', gzipSync(labels.replace('<id>', `${generatedMark}<id>`)))
  assert.equal(place.report('labels')?.generated, undefined)
})

test('a number of workers that is none is refused', async () => {
  await assert.rejects(new Place().ingest('labels', null, {}, ['--workers', '0']), /--workers 0: a number from 1 to 99/)
})

test('the footer names the run and the hash of the dump', async () => {
  const place = new Place()
  await place.ingest('labels', gzipSync(odd('labels')))
  const reader = await ParquetReader.openFile(join(place.staging, 'labels_v10', `${runId}-00000.parquet`))
  assert.deepEqual(reader.getMetadata(), { run_id: runId, source_sha256: place.report('labels')?.source?.sha256 })
  await reader.close()
})

test('a dataset without rows is one file with 0 rows', async () => {
  const place = new Place()
  await place.ingest('labels', gzipSync('<labels><label><id>1</id></label></labels>'))
  const files = ['labels_v10', 'label_urls_v1', 'label_sublabels_v1'].map((name) =>
    join(place.staging, name, `${runId}-00000.parquet`),
  )
  assert.deepEqual(await Promise.all(files.map(async (file) => (await duckDbRows(file)).length)), [1, 0, 0])
})

test('records of 4 MB, a profile of 1 MB and 4-byte UTF-8 are whole', async () => {
  const place = new Place()
  const profile = '𝄞é'.repeat(200_000)
  const urls = Array.from({ length: 60_000 }, (_, n) => `<url>http://example.org/a/long/path/${n}</url>`).join('')
  await place.ingest(
    'artists',
    gzipSync(`<artists><artist><id>1</id><profile>${profile}</profile><urls>${urls}</urls></artist></artists>`),
  )
  const [[count, last] = []] = (
    await connection.runAndReadAll(
      `select count(*)::int, max_by(url, position) from read_parquet('${place.staging}/artist_urls_v1/*.parquet')`,
    )
  ).getRowsJson()
  assert.deepEqual([count, last], [60_000, 'http://example.org/a/long/path/59999'])
  const [row] = await duckDbRows(join(place.staging, 'artists_v1_typed', `${runId}-00000.parquet`))
  assert.equal((row as unknown[])[3], profile)
})

const good = '<label><id>7</id><name>ok</name></label>'
const malformed: readonly (readonly [string, Buffer | null, RegExp])[] = [
  [
    'a truncated gzip',
    gzipSync(`<labels>${manyLabels()}</labels>`).subarray(0, 9000),
    /^PipelineError: ingest labels, after record \d{3,}: inflating .*discogs_20260401_labels\.xml\.gz: the gzip stream is cut short near byte \d+/,
  ],
  [
    'a bad CRC',
    corrupted(gzipSync(`<labels>${good}</labels>`), -8),
    /discogs_20260401_labels\.xml\.gz: incorrect data check near byte \d+/,
  ],
  [
    'XML cut inside valid gzip',
    gzipSync(`<labels>\n${good}\n<label><id>8</i`),
    /labels\.xml\.gz, after record 1, at byte 50 of the XML: the XML ends inside a record/,
  ],
  ['a missing end tag of the root', gzipSync(`<labels>${good}`), /at byte 48 of the XML: the XML ends without <\/labels>/],
  [
    'a mismatched tag',
    gzipSync(`<labels>${good}\n<label><id>8</name></label></labels>`),
    /ingest labels: record 2 at byte 49 of .*labels\.xml\.gz: <\/name> where <\/id> was expected \(byte 61\)/,
  ],
  [
    'an undefined entity',
    gzipSync(`<labels>${good}\n<label><id>8</id><name>&uuml;</name></label></labels>`),
    /record 2 at byte 49 of .*: an unknown entity &uuml; \(byte 72\)/,
  ],
  [
    'invalid UTF-8',
    gzipSync(
      Buffer.concat([
        Buffer.from('<labels><label><id>1</id><name>'),
        Buffer.from([0xe9]),
        Buffer.from('</name></label></labels>'),
      ]),
    ),
    /record 1 at byte 8 of .*: not UTF-8 \(byte 31\): 0xe9 looks like ISO-8859-1, in which some old dumps are/,
  ],
  [
    'a record without a valid id',
    gzipSync(`<labels>${good}<label><id>0</id></label></labels>`),
    /record 2 at byte 48 of .*: no valid id/,
  ],
  [
    'the wrong root',
    gzipSync('<artists><artist><id>1</id></artist></artists>'),
    /at byte 0 of the XML: the root element is <artists>, not <labels>/,
  ],
  ['an empty file', Buffer.alloc(0), /labels\.xml\.gz: the file is empty \(0 bytes\)/],
  ['an empty XML', gzipSync(''), /at byte 0 of the XML: the XML is empty/],
  [
    'HTML in place of gzip',
    Buffer.from('<!DOCTYPE html><html>'),
    /labels\.xml\.gz: byte 0 does not start a gzip stream, found "<!DOCTYPE html><html>"/,
  ],
  ['a missing file', null, /discogs_202604DD_labels\.xml\.gz was expected in .*, found none/],
]
for (const [what, bytes, message] of malformed) {
  test(`${what} fails the task, naming file and offset, and leaves no dataset behind`, async () => {
    const place = new Place()
    await assert.rejects(place.ingest('labels', bytes), message)
    assert.deepEqual(place.datasets(), [])
  })
}

test('labels without ids are refused as such in a month before November 2011, whatever the cap', async () => {
  const place = new Place()
  const old = join(place.rawDir, '2010-01')
  mkdirSync(old)
  writeFileSync(
    join(old, 'discogs_20100101_labels.xml.gz'),
    gzipSync(Buffer.from('<label><name>Bj\xf6rk</name></label>\n', 'latin1')),
  )
  const params = { dump_month: '2010-01', quarantine_cap: '9' }
  await assert.rejects(
    place.ingest('labels', null, params),
    /^PipelineError: labels of 2010-01: records have no ids, as in all dumps/,
  )
})

test('a declared encoding other than UTF-8 is refused by name, and the hint is to convert the dump', async () => {
  const xml = `<?xml version="1.0" encoding="ISO-8859-1"?><labels>${good}</labels>`
  await assert.rejects(new Place().ingest('labels', gzipSync(xml)), {
    message: /labels\.xml\.gz, after record 0, at byte 0 of the XML: the encoding is ISO-8859-1, not UTF-8$/,
    hint: 'convert the dump to UTF-8, its declaration included',
  })
})

test('a dump of another month is refused by name', async () => {
  const place = new Place()
  writeFileSync(join(place.rawDir, '2026-04', 'discogs_20260301_labels.xml.gz'), gzipSync(`<labels>${good}</labels>`))
  await assert.rejects(place.ingest('labels', null), /found discogs_20260301_labels\.xml\.gz, which is of another month/)
})

test('a sha256 other than the CHECKSUM file says fails the task; the same one verifies it', async () => {
  const place = new Place()
  const bytes = gzipSync(`<labels>${good}</labels>`)
  const checksums = join(place.rawDir, '2026-04', 'discogs_20260401_CHECKSUM.txt')
  writeFileSync(checksums, `${'0'.repeat(64)} discogs_20260401_labels.xml.gz\n`)
  await assert.rejects(place.ingest('labels', bytes), /its CHECKSUM file says 0{64}/)
  assert.deepEqual(place.datasets(), [])
  writeFileSync(checksums, `${createHash('sha256').update(bytes).digest('hex')} discogs_20260401_labels.xml.gz\n`)
  await place.ingest('labels', bytes)
  assert.equal(place.report('labels')?.source?.verification, 'verified')
})

test('with a cap, malformed records go to quarantine with offset and bytes, and the others are read', async () => {
  const place = new Place()
  const bad = '<label><id>8</id><name>&uuml;</name></label>'
  const noId = '<label><name>x</name></label>'
  const xml = `<labels>\n${good}\n${bad}\n${noId}\n<label><id>9</id></label>\n</labels>`
  await place.ingest('labels', gzipSync(xml), { quarantine_cap: '2' })
  const line = (record: number, text: string, id: string | null, reason: string, errorOffset: number): object => ({
    dump: 'labels',
    record,
    offset: xml.indexOf(text),
    length: text.length,
    id,
    reason,
    error_offset: errorOffset,
    raw: Buffer.from(text).toString('base64'),
  })
  assert.deepEqual(place.quarantine('labels'), [
    line(2, bad, '8', 'an unknown entity &uuml;', xml.indexOf('&')),
    line(3, noId, null, 'no valid id', xml.indexOf(noId)),
  ])
  const [first, second] = await duckDbRows(join(place.staging, 'labels_v10', `${runId}-00000.parquet`))
  assert.deepEqual([(first as unknown[])[0], (second as unknown[])[0]], ['7', '9'])
  assert.deepEqual([place.report('labels')?.records, place.report('labels')?.quarantined], [4, 2])
})

test('one malformed record more than the cap fails the task, and the quarantine file tells them all', async () => {
  const place = new Place()
  const xml = `<labels>${good}\n<label>&a;</label>\n<label>&b;</label>\n</labels>`
  await assert.rejects(
    place.ingest('labels', gzipSync(xml), { quarantine_cap: '1' }),
    /record 3 .*it is rejected record 2, quarantine_cap is 1/,
  )
  assert.equal(place.quarantine('labels').length, 2)
  assert.deepEqual(place.datasets(), [])
})

/** Labels whose texts do not compress away. */
function manyLabels(): string {
  return Array.from(
    { length: 2000 },
    (_, n) => `<label><id>${n + 1}</id><name>${createHash('sha256').update(`${n}`).digest('hex')}</name></label>`,
  ).join('\n')
}

/** The same bytes with one of them changed. */
function corrupted(bytes: Buffer, at: number): Buffer {
  const result = Buffer.from(bytes)
  const index = result.length + at
  result[index] = (result[index] ?? 0) ^ 1
  return result
}

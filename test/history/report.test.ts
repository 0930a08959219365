import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { valueTicks } from '../../src/history/report/axes.ts'
import { shortened } from '../../src/history/report/bars.ts'
import { escaped } from '../../src/history/report/markup.ts'
import { compact, monthName, percent, points, signed, size, tickTexts, whole } from '../../src/history/report/numbers.ts'
import { originOf } from '../../src/history/report-origin.ts'
import { exportHistory } from '../../src/history/exports.ts'
import { monthInputs } from '../../src/history/report/model.ts'
import { renderMonth, renderReport } from '../../src/history/report.ts'
import { historyOf, hostile, irregularHistory, runOf } from './report-input.ts'

const none = { generatedAt: '2026-04-21', runs: [], kpis: [], growth: [] }

/** Text of the elements of one kind, without markup. */
function texts(page: string, element: string): readonly string[] {
  return [...page.matchAll(new RegExp(`<${element}\\b[^>]*>(.*?)</${element}>`, 'gs'))].map(([, inner = '']) =>
    inner.replaceAll(/<[^>]*>/g, '').replaceAll('\u202f', ' '),
  )
}

test('the same history gives the same bytes, whatever was drawn before and in whatever order events come', () => {
  const history = historyOf(14)
  const page = renderReport(history)
  renderReport(historyOf(3))
  assert.ok(renderReport(history) === page)
  const shuffled = { ...history, runs: history.runs.toReversed(), kpis: history.kpis.toReversed() }
  assert.ok(renderReport(shuffled) === page)
  assert.ok(!page.includes('url(#'), 'ids of one drawing could be taken for those of another')
})

test('the page has its parts, the figures of the newest month, and a row for every run', () => {
  const page = renderReport(historyOf(14))
  assert.deepEqual(texts(page, 'h1'), ['How the record catalogue grows'])
  assert.deepEqual(texts(page, 'h2'), [
    'Months',
    'April 2026',
    'What changed since March 2026',
    'Growth',
    'Composition',
    'Coverage',
    'Runs',
    'Data',
  ])
  assert.match(page, /<div class="big">17\u202f176\u202f709<\/div><div class="delta">\+98\u202f196 since March 2026/)
  assert.match(page, /Field Recordings<\/bdi><\/a> 12/)
  assert.ok(page.includes('5 others'), 'genres beyond the tenth are one bar')
  const runs = page.slice(page.indexOf('id="runs"'))
  assert.equal(runs.match(/<tr>/g)?.length, 15)
  assert.match(runs, /456 passed<\/span> <span class="warn">6 warned/)
})

test('charts have a title for those who cannot see them; headings of tables have a scope', () => {
  const page = renderReport(historyOf(14))
  const drawings = page.match(/<svg[^>]*>/g) ?? []
  assert.ok(drawings.length > 20)
  for (const drawing of drawings) assert.match(drawing, / role="img"/)
  assert.equal(page.match(/<svg[^>]*><title>[^<]+<\/title>/g)?.length, drawings.length)
  for (const heading of page.match(/<th\b[^>]*>/g) ?? []) assert.match(heading, / scope="(col|row)"/)
})

test('nothing is loaded, and the policy allows the style sheet of the page alone', () => {
  const page = renderReport(historyOf(14))
  assert.doesNotMatch(page, /<(script|link|iframe|img|object)\b|\b(src|style|on[a-z]+)="|url\(|@import/)
  const [, styles = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? []
  const hash = createHash('sha256').update(styles).digest('base64')
  assert.ok(page.includes(`default-src 'none'; style-src 'sha256-${hash}'`))
})

/** Where the links of a page lead to. */
function targets(page: string): readonly string[] {
  return [...page.matchAll(/ href="([^"]*)"/g)].map(([, target = '']) => target)
}

test('links lead to parts of the page, files beside it, runs of the lake, and searches at Discogs', () => {
  const page = renderReport(historyOf(14))
  const found = targets(page)
  const ids = new Set([...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))
  for (const target of found)
    assert.ok(
      ids.has(target.replace(/^#/, '')) ||
        /^(history|growth)_[a-z0-9_-]+\.(csv|html)$/.test(target) ||
        /^\.\.\/\.\.\/\.\.\/_runs\/20\d\d-\d\d__\d{8}_060000\/$/.test(target) ||
        /^https:\/\/www\.discogs\.com\/search\/\?type=(release|label)&amp;[a-z_]+=(?:[^"<>&' ]|&#39;)+$/.test(target),
      target,
    )
  assert.ok(found.includes('history_2025-03.html') && found.includes('history_kpis_long_latest.csv'))
  assert.ok(found.includes('https://www.discogs.com/search/?type=release&amp;genre_exact=Folk%2C%20World%2C%20%26%20Country'))
  const gone = renderReport({ ...historyOf(1), runs: [runOf(-1, { state: 'removed' }), ...historyOf(1).runs] })
  assert.deepEqual(
    targets(gone).filter((target) => target.includes('_runs')),
    ['../../../_runs/2026-04__20260420_060000/'],
  )
})

test('the page of a month has its figures and changes, and leads to its neighbours', () => {
  const inputs = monthInputs(historyOf(14))
  assert.equal(inputs.size, 14)
  const page = renderMonth(inputs.get('2026-03') ?? none, '2026-03')
  assert.deepEqual(texts(page, 'h1'), ['The record catalogue in March 2026'])
  assert.deepEqual(texts(page, 'h2'), ['March 2026', 'What changed since February 2026', 'Composition'])
  assert.deepEqual(texts(page, 'nav'), ['← February 2026All monthsApril 2026 →'])
  assert.match(page, /Ids since March 2025, a year before/)
  const later = monthInputs(historyOf(14, 1))
  assert.deepEqual(
    [...inputs].filter(([month, input]) => originOf(input) !== originOf(later.get(month) ?? none)).map(([month]) => month),
    ['2026-04'],
    'a month more changes the page of its neighbour alone',
  )
})

test('snapshots years apart are compared by name, and their bars stand beside each other', () => {
  const page = renderReport(irregularHistory())
  const bars = page.slice(page.indexOf('Releases added and removed'), page.indexOf('Masters added and removed'))
  const lefts = [...bars.matchAll(/<path d="M([\d.]+),[^"]*?h([\d.]+)[^"]*" fill="var\(--added\)"/g)]
    .map(([, x = '', length = '']) => ({ x: Number(x), length: Number(length) }))
    .toSorted((one, other) => one.x - other.x)
  assert.equal(lefts.length, 5)
  for (const [index, { x, length }] of lefts.entries()) assert.ok(x + length < (lefts[index + 1]?.x ?? Infinity), String(x))
  assert.match(plain(bars), />Dec 2025: \+\d+ \d+ −\d+ \d+ since Dec 2022</)
  assert.ok(!page.includes('last month'))
})

test('members beyond the tenth are summed up without a bar, never one alone', () => {
  const { kpis, ...rest } = historyOf(1)
  const genres = kpis.filter(({ kpi }) => kpi === 'releases_by_genre')
  const page = (count: number): string =>
    renderReport({ ...rest, kpis: [...kpis.filter(({ kpi }) => kpi !== 'releases_by_genre'), ...genres.slice(0, count)] })
  const figure = (text: string): string => text.slice(text.indexOf('<h3>By genre'), text.indexOf('<h3>By format'))
  assert.ok(!/\d others/.test(figure(page(11))))
  const others = /<g class="row"><title>2 others.*?<\/g>/s.exec(figure(page(12)))?.[0] ?? ''
  assert.match(others, /2 others/)
  assert.ok(!others.includes('var(--track)'))
})

test('the files that the page leads to are those that are exported', async () => {
  const lakeDir = mkdtempSync(join(tmpdir(), 'report-'))
  try {
    const exported = await exportHistory({ latest: () => Promise.resolve([]) }, lakeDir)
    const linked = targets(renderReport(historyOf(2))).filter((target) => target.endsWith('.csv'))
    assert.deepEqual(linked.toSorted(), exported.toSorted())
  } finally {
    rmSync(lakeDir, { recursive: true })
  }
})

test('texts of the data stay texts', () => {
  const page = renderReport({
    ...historyOf(2),
    generatedAt: hostile.script,
    runs: [runOf(-1), runOf(0), runOf(-2, { state: 'invalid', reason: `${hostile.script} ${hostile.control}` })],
  })
  assert.ok(!page.includes('<script'))
  assert.ok(page.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;'))
  assert.ok(page.includes(`<bdi>${hostile.rightToLeft}</bdi>`))
  assert.ok(page.includes('𝕽𝖊𝖈𝖔𝖗𝖉𝖘'))
  assert.ok(page.isWellFormed())
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(page, /[\u0000-\u0009\u000b-\u001f]/)
})

test('no run at all, and none that is valid, give a page that says so', () => {
  assert.match(renderReport(none), /No snapshot has been registered yet/)
  const invalid = runOf(0, { state: 'invalid', reason: 'a required table is missing' })
  const page = renderReport({ ...none, runs: [invalid] })
  assert.match(page, /None of the snapshots is valid/)
  assert.match(page, /class="bad">✖ invalid.*a required table is missing/s)
})

test('one run has figures and no changes; an invalid one counts for nothing but its row', () => {
  const page = renderReport({ ...historyOf(1), runs: [...historyOf(1).runs, runOf(1, { state: 'invalid', reason: 'broken' })] })
  assert.deepEqual(texts(page, 'h2')[0], 'April 2026')
  assert.match(page, /There is no earlier snapshot to compare with/)
  assert.match(page, /broken/)
  assert.ok(!page.includes('NaN') && !page.includes('undefined') && !page.includes('Infinity'))
})

test('what was not measured is a dash or left out, never a zero', () => {
  const { runs, kpis, growth, generatedAt } = historyOf(3)
  const nulls = kpis.map(({ runId, dumpMonth, kpi, member }) => ({ runId, dumpMonth, kpi, member, value: null }))
  for (const input of [
    { generatedAt, runs, kpis: nulls, growth: growth.map((one) => Object.assign({}, one, { value: null })) },
    { ...none, runs },
  ]) {
    const page = renderReport(input)
    assert.match(page, /<div class="big">–<\/div>/)
    assert.match(page, /Not measured\./)
    assert.match(page, /Coverage has not been measured/)
    assert.ok(!page.includes('NaN') && !page.includes('undefined') && !page.includes('Infinity'))
  }
})

test('of two runs of a month the newer one counts; runs without a month count for that of their session', () => {
  const { kpis, growth, generatedAt } = historyOf(1)
  const again = runOf(0, { runId: '2026-04__20260425_060000', session: '2026-04-25 06:00:00', dumpMonth: null })
  const doubled = kpis.map(({ kpi, member, value }) => ({
    runId: again.runId,
    dumpMonth: null,
    kpi,
    member,
    value: value === null ? null : value * 2n,
  }))
  const page = renderReport({ generatedAt, runs: [again, runOf(0)], kpis: [...doubled, ...kpis], growth })
  assert.match(page, /<div class="big">31\u202f600\u202f000<\/div>/)
  assert.match(page, /One month so far/)
})

test('sixty months stay one page of moderate size', () => {
  const page = renderReport(historyOf(60))
  assert.ok(page.length < 700_000, String(page.length))
  assert.match(page, /60 months/)
})

const plain = (text: string): string => text.replaceAll('\u202f', ' ')

test('numbers are written for people', () => {
  assert.deepEqual([0n, 999n, 18234567n, -1234n, null].map(whole).map(plain), ['0', '999', '18 234 567', '−1 234', '–'])
  assert.deepEqual([5n, -5000n, 0n, null].map(signed).map(plain), ['+5', '−5 000', '±0', '–'])
  assert.deepEqual([999, 1000, 18_234_567, 940_000, 99_960].map(compact).map(plain), ['999', '1.0 k', '18.2 M', '940 k', '100 k'])
  assert.deepEqual([8744n, 0n, null].map(percent).map(plain), ['87.4 %', '0.0 %', '–'])
  assert.deepEqual([31n, -6n, 0n].map(points), ['+0.31', '−0.06', '±0'])
  assert.deepEqual([999n, 161_300_000n].map(size).map(plain), ['999 B', '161.3 MB'])
  assert.deepEqual(['2026-04', 'spring'].map(monthName), ['April 2026', 'spring'])
})

test('ticks are round, enclose the values and have distinct texts', () => {
  assert.deepEqual(valueTicks(15_800_000, 17_200_000), [15_500_000, 16_000_000, 16_500_000, 17_000_000, 17_500_000])
  assert.deepEqual(valueTicks(0, 3), [0, 1, 2, 3])
  assert.deepEqual(valueTicks(0, 0), [0, 1])
  assert.deepEqual(valueTicks(5000, 5000), [4600, 4800, 5000, 5200, 5400])
  assert.deepEqual(
    tickTexts([2_050_000, 2_100_000, 2_150_000]).map((text) => text.replace('\u202f', ' ')),
    ['2.05 M', '2.10 M', '2.15 M'],
  )
})

test('long labels are cut between characters as people see them', () => {
  assert.equal(shortened('Not On Label'), 'Not On Label')
  assert.equal(shortened('x'.repeat(40)), `${'x'.repeat(33)}…`)
  assert.equal(shortened('👩‍👩‍👧'.repeat(30)), `${'👩‍👩‍👧'.repeat(16)}…`)
  assert.ok(shortened(hostile.fourBytes).isWellFormed())
  assert.equal(escaped('\ud800<'), '�&lt;')
})

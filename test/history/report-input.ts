/** Made-up histories of any length, the same every time. */
import type { GrowthOfRun, KpiOfRun, RegisteredRun } from '../../src/history/records.ts'
import { entities, type ReportInput } from '../../src/history/report/model.ts'

/** Texts that a careless page would not survive. */
export const hostile = {
  script: '<script>alert("1")</script>&amp;\'',
  rightToLeft: 'תקליטים ‮ ערבית العربية',
  fourBytes: '𝕽𝖊𝖈𝖔𝖗𝖉𝖘 🎶 唱片公司唱片公司唱片公司唱片公司唱片公司唱片公司唱片公司',
  control: 'a\u0000b\u001bc\ud800d\ne',
} as const

const firstRows = { releases: 15_800_000, masters: 2_100_000, artists: 8_900_000, labels: 1_900_000 } as const
const genres = [
  'Electronic',
  'Rock',
  'Pop',
  'Folk, World, & Country',
  'Jazz',
  'Funk / Soul',
  'Hip Hop',
  'Classical',
  'Latin',
  'Reggae',
]
const moreGenres = ['Stage & Screen', 'Blues', 'Non-Music', "Children's", 'Brass & Military']
const formats = [
  'Vinyl',
  'CD',
  'Cassette',
  'File',
  'CDr',
  'Shellac',
  'Box Set',
  'All Media',
  'DVD',
  'Flexi-disc',
  'Lathe Cut',
  'SACD',
]
const countries = [
  'US',
  'UK',
  'Germany',
  'France',
  'Japan',
  'Italy',
  'Europe',
  'Netherlands',
  'Canada',
  'Spain',
  'Australia',
  'Brazil',
]
const coverages = {
  master: 5230,
  year: 8790,
  country: 9640,
  barcode: 3120,
  genre: 9820,
  style: 7420,
  video: 2610,
  tracklist: 9870,
} as const
const decades = [1900, 1910, 1920, 1930, 1940, 1950, 1960, 1970, 1980, 1990, 2000, 2010, 2020]

/** @param months how many up to 2026-04 @param later how many after it */
export function historyOf(months: number, later = 0): ReportInput {
  const runs = Array.from({ length: months + later }, (_, index) => runOf(index - months + 1))
  return {
    generatedAt: '2026-04-21 06:30:00 UTC',
    runs,
    kpis: runs.flatMap((run, index) => kpisOf(run, index)),
    growth: runs.flatMap((run, index) =>
      growthOf(run, runs[index - 1], 'previous', index).concat(growthOf(run, runs[index - 12], 'year', index)),
    ),
  }
}

/** Months at uneven distances, the newest 2026-04: years apart, then months side by side. */
export function irregularHistory(): ReportInput {
  const runs = [-68, -40, -4, -3, -1, 0].map((months) => runOf(months))
  return {
    generatedAt: '2026-04-21 06:30:00 UTC',
    runs,
    kpis: runs.flatMap((run, index) => kpisOf(run, index)),
    growth: runs.flatMap((run, index) => growthOf(run, runs[index - 1], 'previous', index)),
  }
}

export function runOf(monthsFromApril: number, more: Partial<RegisteredRun> = {}): RegisteredRun {
  const dumpMonth = new Date(Date.UTC(2026, 3 + monthsFromApril)).toISOString().slice(0, 7)
  return {
    runId: `${dumpMonth}__${dumpMonth.replace('-', '')}20_060000`,
    dumpMonth,
    session: `${dumpMonth}-20 06:00:00`,
    state: 'registered',
    reason: null,
    origin: 'real',
    manifestSha256: 'a'.repeat(64),
    rows: BigInt(412_000_000 + monthsFromApril * 2_000_000),
    bytes: BigInt(18_300_000_000 + monthsFromApril * 90_000_000),
    checksPassed: 456n,
    checksWarned: monthsFromApril % 4 === 0 ? 6n : 0n,
    ...more,
  }
}

function kpisOf({ runId, dumpMonth }: RegisteredRun, index: number): readonly KpiOfRun[] {
  const kpi = (name: string, member: string | null, value: number | null): KpiOfRun => ({
    runId,
    dumpMonth,
    kpi: name,
    member,
    value: value === null ? null : BigInt(Math.round(value)),
  })
  const rows = firstRows.releases + index * 110_000
  const by = (name: string, members: readonly string[], share: number): readonly KpiOfRun[] =>
    members.map((member, rank) => kpi(name, member, (rows * share) / (rank + 1.4)))
  return [
    ...entities.map(({ name, dataset }) => kpi('rows', dataset, rowsAt(name, index))),
    ...Object.entries(coverages).map(([member, value]) => kpi('coverage_bp', member, value + index * 4 * Math.cos(value))),
    kpi('coverage_bp', 'credit_artist', index < 3 ? null : 9120),
    ...(['artist', 'label', 'genre', 'style'] as const).map((member, rank) =>
      kpi('distinct_norms', member, 8_100_000 / 60 ** rank),
    ),
    kpi('tracks_per_release', 'median', 6),
    kpi('tracks_per_release', 'p95', 24),
    kpi('top_label_share_bp', 'top_1', 1034),
    kpi('top_label_share_bp', 'top_10', 1422),
    ...['release_to_master', 'release_to_label', 'release_to_artist', 'alias_to_artist'].flatMap((member, rank) => [
      kpi('links', member, 22_000_000 / (rank + 1)),
      kpi('orphans', member, rank * 31_000),
    ]),
    ...by('releases_by_genre', [...genres, ...moreGenres], 0.42),
    ...by('releases_by_format', formats, 0.6),
    ...by('releases_by_country', [...countries, hostile.script, hostile.rightToLeft, hostile.fourBytes], 0.38),
    ...by(
      'releases_by_style',
      ['House', 'Pop Rock', 'Techno', 'Experimental', 'Synth-pop', 'Punk', 'Ambient', 'Soul', 'Disco', 'Folk'],
      0.1,
    ),
    ...by('releases_by_data_quality', ['Needs Vote', 'Correct', 'Complete and Correct', 'Needs Major Changes'], 0.9),
    ...decades.map((decade, rank) => kpi('releases_by_decade', String(decade), (rows * (rank + 1) ** 2) / 900)),
  ]
}

function rowsAt(name: string, index: number): number {
  const first = firstRows[name as keyof typeof firstRows]
  return first + index * (first / 150) + Math.round(Math.sin(index) * (first / 900))
}

function growthOf(
  { runId, dumpMonth }: RegisteredRun,
  compared: RegisteredRun | undefined,
  span: 'previous' | 'year',
  index: number,
): readonly GrowthOfRun[] {
  if (compared === undefined) return []
  const one = (measure: string, member: string, value: number): GrowthOfRun => ({
    runId,
    dumpMonth,
    comparedRunId: compared.runId,
    span,
    measure,
    member,
    value: BigInt(Math.round(value)),
  })
  const factor = span === 'year' ? 12 : 1
  const ids = entities.flatMap(({ name }) => {
    const base = (rowsAt(name, index) / 140) * factor
    return [
      one('ids_before', name, rowsAt(name, index - factor)),
      one('ids_after', name, rowsAt(name, index)),
      one('ids_added', name, base * (1.2 + Math.sin(index * 1.7) / 3)),
      one('ids_removed', name, base * (0.25 + Math.cos(index) / 8)),
      one('ids_changed', name, base * 4),
    ]
  })
  if (span === 'year') return ids
  return [
    ...ids,
    one('new_genre', 'Field Recordings', 12),
    ...['Dungeon Synth Revival', 'Hyperpop', hostile.script].map((style, rank) => one('new_style', style, 40 - rank)),
    ...['Not On Label', hostile.rightToLeft, hostile.fourBytes, hostile.script, hostile.control].map((label, rank) =>
      one('label_growth', label, 9000 / (rank + 1)),
    ),
    ...countries.map((country, rank) => one('country_growth', country, 21_000 / (rank + 1))),
    ...formats.map((format, rank) => one('format_growth', format, 33_000 / (rank + 1))),
  ]
}

/**
 * Makes dumps: deterministic, in today's shape (or that of 2020), with ids that join across the four files, and with every element and
 * attribute that the catalogue knows. The same options give the same bytes.
 */
import { join } from 'node:path'
import type { DumpName } from '../discogs/dataset.ts'
import { dumpNamed, dumps } from '../discogs/catalogue.ts'
import { generatedMark } from '../discogs/generated-mark.ts'
import { PipelineError } from '../errors.ts'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import { artistRecord } from './records/artist.ts'
import { labelRecord } from './records/label.ts'
import { masterRecord } from './records/master.ts'
import { releaseRecord } from './records/release.ts'
import { type Shape, sizesOf, type World } from './world.ts'
import { writeDump, type WrittenDump } from './write-dump.ts'

export interface WorldOptions {
  /** Default 1. */
  readonly seed?: number
  /** Default `today`. */
  readonly shape?: Shape
  /** Which version of a record is written; see {@link World}. Default 0 for all. */
  readonly revision?: World['revision']
  /** Records that are left out. Default: none. */
  readonly isGone?: (dump: DumpName, index: number) => boolean
  /** Whether the dumps are marked as generated, so that they never mix with real ones. Default true; tests pass for Discogs without. */
  readonly isMarked?: boolean
  readonly signal?: AbortSignal
}

export interface DumpsOptions extends WorldOptions {
  /** Where the files go, made when missing. */
  readonly directory: string
  /** `YYYY-MM`; it names the files and changes nothing else. */
  readonly month: string
  /** How many; the other dumps follow: 60 % as many artists, 20 % labels, 30 % masters. */
  readonly releases: number
}

export interface DumpOptions extends WorldOptions {
  readonly path: string
  readonly dump: DumpName
  /** How long it gets: so many records, or so many bytes of XML at least. */
  readonly until: { readonly records: number } | { readonly xmlBytes: number }
}

export interface GeneratedDump extends WrittenDump {
  readonly dump: DumpName
}

const recordOf: Readonly<Record<DumpName, (world: World, index: number) => string>> = {
  artists: artistRecord,
  labels: labelRecord,
  masters: masterRecord,
  releases: releaseRecord,
}

/** Writes the four dumps of a month and their `discogs_YYYYMMDD_CHECKSUM.txt`, which appears last. */
export async function generateDumps(options: DumpsOptions): Promise<readonly GeneratedDump[]> {
  const { directory, month, releases } = options
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    throw new PipelineError(`generating dumps: ${JSON.stringify(month)} is not a month, YYYY-MM`)
  const sizes = sizesOf(releases)
  const generate = ({ name }: { readonly name: DumpName }): Promise<GeneratedDump> =>
    generateDump({ ...options, dump: name, path: join(directory, dumpFileName(month, name)), until: { records: sizes[name] } })
  const written = await Promise.all(dumps.map(generate))
  const lines = written.map(({ dump, sha256 }) => `${sha256} ${dumpFileName(month, dump)}\n`)
  writeFileAtomically(join(directory, checksumFileName(month)), lines.join(''))
  return written
}

/** Writes one dump of any size: records are drawn as long as there is room, in constant memory. */
export async function generateDump(options: DumpOptions): Promise<GeneratedDump> {
  const {
    path,
    dump,
    until,
    seed = 1,
    shape = 'today',
    revision = () => 0,
    isGone = () => false,
    isMarked = true,
    signal,
  } = options
  const world: World = { seed, shape, revision }
  const record = recordOf[dump]
  const text = {
    root: dumpNamed(dump).root,
    comment: isMarked ? generatedMark : '',
    record: (index: number) => (isGone(dump, index) ? null : record(world, index)),
    hasNext: (index: number, xmlBytes: number) => ('records' in until ? index < until.records : xmlBytes < until.xmlBytes),
  }
  return { dump, ...(await writeDump(path, text, signal)) }
}

/** Dumps are dated the first of the month. */
export function dumpFileName(month: string, dump: DumpName): string {
  return `discogs_${month.replace('-', '')}01_${dump}.xml.gz`
}

export function checksumFileName(month: string): string {
  return `discogs_${month.replace('-', '')}01_CHECKSUM.txt`
}

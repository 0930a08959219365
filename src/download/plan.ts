/** What is to be done for a month: pure, but for looking at sizes and times of files. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { NotPublishedError } from './failure.ts'
import { type MonthManifest, publishedName, verifiedFileIn } from './manifest.ts'
import type { DumpName } from './names.ts'
import { partOf } from './part-file.ts'

/**
 * `verified`: nothing to do. `unverified`: it lies there, and nobody has compared it with its checksum yet. `changed`: the site has
 * published other bytes since. `partial`: an earlier download has begun it. `missing`.
 */
export type FileState = 'verified' | 'unverified' | 'changed' | 'partial' | 'missing'

export interface PlannedFile {
  readonly dump: DumpName
  readonly name: string
  /** As published. */
  readonly sha256: string
  readonly state: FileState
  /** Of the file, or of its part. */
  readonly presentBytes: number
  /** Of a part, of use or not: what comes follows it or takes its place. */
  readonly partBytes: number
  /** What the year page says; null when it does not. */
  readonly aboutBytes: number | null
}

/**
 * The files of a month, largest first.
 * @throws PipelineError when the checksum file does not name one of them
 */
export function planMonth(directory: string, manifest: MonthManifest, dumps: readonly DumpName[]): readonly PlannedFile[] {
  const { sha256, aboutBytes, url } = manifest.published
  const names = dumps.map((dump) => ({ dump, name: publishedName(manifest.published, dump) }))
  const unnamed = names.filter(({ name }) => sha256[name] === undefined).map(({ name }) => name)
  if (unnamed.length > 0) {
    const seen = Object.keys(sha256)
    throw new NotPublishedError(
      `the checksum file ${url} does not name ${unnamed.join(', ')}: it names ${seen.slice(0, 8).join(', ')}`,
      {
        isPast: false,
        hint: 'the month may not be complete yet: try later',
      },
    )
  }
  return names
    .map(({ dump, name }) =>
      plannedFile(directory, manifest, { dump, name, sha256: sha256[name] ?? '', aboutBytes: aboutBytes[name] ?? null }),
    )
    .toSorted((left, right) => (right.aboutBytes ?? 0) - (left.aboutBytes ?? 0))
}

/** Bytes that are still to come, as far as the site says. */
export function bytesToCome(files: readonly PlannedFile[]): number {
  return files.reduce((sum, { state, aboutBytes, partBytes }) => {
    if (state === 'verified' || state === 'unverified') return sum
    return sum + Math.max(0, (aboutBytes ?? 0) - partBytes)
  }, 0)
}

function plannedFile(
  directory: string,
  manifest: MonthManifest,
  file: Pick<PlannedFile, 'dump' | 'name' | 'sha256' | 'aboutBytes'>,
): PlannedFile {
  const known = verifiedFileIn(directory, manifest, file.name)
  const path = join(directory, file.name)
  const { bytes: partBytes, isOfUse } = partOf(path, file.sha256)
  if (known?.sha256 === file.sha256) return { ...file, state: 'verified', presentBytes: known.bytes, partBytes }
  if (isOfUse) return { ...file, state: 'partial', presentBytes: partBytes, partBytes }
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) return { ...file, state: 'missing', presentBytes: 0, partBytes }
  return { ...file, state: known === null ? 'unverified' : 'changed', presentBytes: size, partBytes }
}

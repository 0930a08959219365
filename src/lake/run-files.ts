/** What lies in a run directory, and whether it is what the manifest says. */
import { type Dirent, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { PipelineError } from '../errors.ts'
import { hashFile } from './hash-file.ts'
import { manifestFile, reportsDir, runDir } from './layout.ts'
import { filesOf, type Manifest, readManifest } from './manifest.ts'

/** Files hashed at once: while one waits for the disk, another one is hashed. */
const concurrency = 4

/** A file or directory of a run, reports and manifest left out. */
export interface RunEntry {
  /** Relative to the run directory, with `/`. */
  readonly path: string
  readonly kind: 'file' | 'directory' | 'other'
  /** Size of a file, 0 of anything else. */
  readonly bytes: number
}

/** Everything below a run directory but `_reports` and the manifest, sorted by path; links are not followed. */
export function runEntries(directory: string): readonly RunEntry[] {
  const own = new Set([basename(reportsDir(directory)), basename(manifestFile(directory))])
  return entriesBelow(directory, '').filter(({ path }) => !own.has(path.split('/')[0] ?? ''))
}

function entriesBelow(directory: string, prefix: string): RunEntry[] {
  const entries = readdirSync(directory, { withFileTypes: true }).toSorted((left, right) => (left.name < right.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = `${prefix}${entry.name}`
    const kind = kindOf(entry)
    const bytes = kind === 'file' ? statSync(join(directory, entry.name)).size : 0
    const below = kind === 'directory' ? entriesBelow(join(directory, entry.name), `${path}/`) : []
    return [{ path, kind, bytes }].concat(below)
  })
}

function kindOf(entry: Dirent): RunEntry['kind'] {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'directory' : 'other'
}

export interface HashOptions {
  readonly signal?: AbortSignal
  /** Called after each chunk: bytes read so far, of all. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** sha256 of each file, in hexadecimal, by the path given; one pass over each, 1 MB at a time. */
export async function hashFiles(
  directory: string,
  paths: readonly string[],
  { signal, onProgress }: HashOptions = {},
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  const total = paths.reduce((sum, path) => sum + statSync(join(directory, path)).size, 0)
  let done = 0
  const hash = (path: string): Promise<string> => {
    let ofFile = 0
    const onRead = (bytes: number): void => {
      done += bytes - ofFile
      ofFile = bytes
      onProgress?.(done, total)
    }
    return hashFile(join(directory, path), { signal, onRead })
  }
  const queue = paths.values()
  const worker = async (): Promise<void> => {
    for (const path of queue) hashes.set(path, await hash(path))
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return hashes
}

/** How a run directory differs from its manifest at one path. */
export interface Difference {
  /** Relative to the run directory. */
  readonly path: string
  readonly problem: 'missing' | 'extra' | 'changed'
  /** What was expected and what was found, for a changed file. */
  readonly details: string
}

/**
 * Reads every data file of a sealed run again.
 * @returns all differences, sorted by path; empty when the run is what it was when it was sealed
 * @throws PipelineError when the manifest itself cannot be read
 */
export async function verifyManifest(directory: string, options: HashOptions = {}): Promise<readonly Difference[]> {
  const manifest = readManifest(directory)
  const differences = [...compareSizes(directory, manifest)]
  const known = new Set(differences.map(({ path }) => path))
  const files = filesOf(manifest).filter(({ path }) => !known.has(path))
  const paths = files.map(({ path }) => path)
  const hashes = await hashFiles(directory, paths, options)
  for (const { path, sha256 } of files) {
    const found = hashes.get(path) ?? 'none'
    if (found !== sha256) differences.push({ path, problem: 'changed', details: `sha256 ${sha256} expected, ${found} found` })
  }
  return differences.toSorted((left, right) => (left.path < right.path ? -1 : 1))
}

/** The differences that names and sizes alone tell; opens no file. */
export function compareSizes(directory: string, manifest: Manifest): readonly Difference[] {
  const expected = new Map(filesOf(manifest).map(({ path, bytes }) => [path, bytes] as const))
  const directories = new Set([...expected.keys()].flatMap(directoriesAbove))
  const differences: Difference[] = []
  for (const { path, kind, bytes } of runEntries(directory)) {
    if (kind === 'directory' && directories.has(path)) continue
    const size = expected.get(path)
    if (kind !== 'file' || size === undefined) differences.push({ path, problem: 'extra', details: '' })
    else if (size !== bytes) differences.push({ path, problem: 'changed', details: `${size} bytes expected, ${bytes} found` })
    expected.delete(path)
  }
  for (const path of expected.keys()) differences.push({ path, problem: 'missing', details: '' })
  return differences.toSorted((left, right) => (left.path < right.path ? -1 : 1))
}

/** `a/b/c.parquet`: `a` and `a/b`. */
function directoriesAbove(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** One line a difference: `missing x/y.parquet`. */
export function describeDifference({ path, problem, details }: Difference): string {
  return `${problem} ${path}${details === '' ? '' : ` (${details})`}`
}

/**
 * The manifest of a run that may be published: sealed, and every file of it is there with its size.
 * @throws PipelineError, not retryable, naming what is wrong (exit 4 when there is no such sealed run)
 */
export function assertSealed(lakeDir: string, runId: string): Manifest {
  const directory = runDir(lakeDir, runId)
  const manifest = readManifest(directory)
  if (manifest.runId !== runId) {
    throw new PipelineError(`run ${runId}: the manifest in ${directory} is of run ${manifest.runId}`, { retryable: false })
  }
  assertSame(directory, compareSizes(directory, manifest))
  return manifest
}

/** @throws PipelineError, not retryable, that lists the differences */
export function assertSame(directory: string, differences: readonly Difference[]): void {
  if (differences.length === 0) return
  const lines = differences.map((difference) => `  ${describeDifference(difference)}`)
  throw new PipelineError(`${directory} is not what its manifest says:\n${lines.join('\n')}`, {
    retryable: false,
    hint: 'a sealed run is never changed: restore its files, or run the session again in a fresh lake',
  })
}

/** Reads again what lies on the disk. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { exitCodes, hasCode, PipelineError } from '../errors.ts'
import { hashFile } from '../lake/hash-file.ts'
import { diskFailure } from './disk-failure.ts'
import { parseChecksums } from '../lake/checksums.ts'
import type { FileProgress } from './download-month.ts'
import { withLock } from './locks.ts'
import { readMonthManifest, writeMonthManifest } from './manifest.ts'
import { monthDirectory } from './month.ts'
import { type DumpName, dumpNames, monthOf, parseFileName } from './names.ts'

export interface VerifyOptions {
  readonly rawDir: string
  readonly signal: AbortSignal
  readonly dumps?: readonly DumpName[]
  readonly onProgress?: (progress: FileProgress) => void
}

/** `unknown`: neither the manifest nor a checksum file names it. */
export type Verdict = 'ok' | 'wrong' | 'missing' | 'unknown'

export interface VerifiedOnDisk {
  readonly name: string
  readonly verdict: Verdict
  readonly bytes: number
  /** What should be there, null when nobody says. */
  readonly expectedSha256: string | null
  /** What is there, null when nothing is. */
  readonly sha256: string | null
}

/** Months that have a directory, oldest first. */
export function monthsOnDisk(rawDir: string): readonly string[] {
  try {
    return readdirSync(rawDir)
      .filter((name) => /^20\d{2}-(0[1-9]|1[0-2])$/.test(name))
      .toSorted()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw diskFailure(error, rawDir)
  }
}

/**
 * Hashes the dumps of a month and compares them with the manifest, else with the checksum file beside them. Asks nobody. A file that is
 * wrong loses its record in the manifest, so that the next download fetches it again although its size and time are as before.
 * @throws PipelineError (exit 4) when there is nothing of the month
 */
export async function verifyMonth(month: string, options: VerifyOptions): Promise<readonly VerifiedOnDisk[]> {
  const directory = monthDirectory(options.rawDir, month)
  try {
    return await verifyDirectory(directory, month, options)
  } catch (error) {
    throw diskFailure(error, directory)
  }
}

async function verifyDirectory(directory: string, month: string, options: VerifyOptions): Promise<readonly VerifiedOnDisk[]> {
  const expected = expectedHashes(directory)
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => isDumpOf(name, month)) : []
  if (names.length === 0 && expected.size === 0)
    throw new PipelineError(`${directory} holds nothing of ${month}`, { exitCode: exitCodes.notFound, retryable: false })
  const wanted = options.dumps ?? dumpNames
  const all = [...new Set([...names, ...expected.keys()])].filter((name) => {
    const dump = parseFileName(name)?.dump ?? null
    return dump !== null && wanted.includes(dump)
  })
  const results: VerifiedOnDisk[] = []
  for (const name of all.toSorted())
    results.push(await verifyFile(join(directory, name), name, expected.get(name) ?? null, options))
  await forgetWrong(directory, results, options)
  return results
}

async function forgetWrong(
  directory: string,
  results: readonly VerifiedOnDisk[],
  { rawDir, signal }: VerifyOptions,
): Promise<void> {
  const wrong = results.filter(({ verdict }) => verdict === 'wrong').map(({ name }) => name)
  const known = readMonthManifest(directory)
  if (known === null || !wrong.some((name) => name in known.files)) return
  await withLock(rawDir, basename(directory), { signal }, async () => {
    await Promise.resolve()
    const manifest = readMonthManifest(directory)
    if (manifest === null) return
    const files = Object.fromEntries(Object.entries(manifest.files).filter(([name]) => !wrong.includes(name)))
    writeMonthManifest(directory, { ...manifest, files })
  })
}

function isDumpOf(name: string, month: string): boolean {
  const parsed = parseFileName(name)
  return parsed !== null && parsed.dump !== null && monthOf(parsed.date) === month
}

async function verifyFile(
  path: string,
  name: string,
  expectedSha256: string | null,
  options: VerifyOptions,
): Promise<VerifiedOnDisk> {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size
  if (bytes === undefined) return { name, verdict: 'missing', bytes: 0, expectedSha256, sha256: null }
  const onRead = (done: number): void => options.onProgress?.({ name, phase: 'hash', done, total: bytes })
  const sha256 = await hashFile(path, { signal: options.signal, onRead })
  const verdict = expectedSha256 === null ? 'unknown' : sha256 === expectedSha256 ? 'ok' : 'wrong'
  return { name, verdict, bytes, expectedSha256, sha256 }
}

/** What the site publishes, as last asked; without a manifest, what the checksum files say. */
function expectedHashes(directory: string): ReadonlyMap<string, string> {
  const published = readMonthManifest(directory)?.published.sha256
  if (published !== undefined) return new Map(Object.entries(published).filter(([name]) => parseFileName(name) !== null))
  if (!existsSync(directory)) return new Map()
  const files = readdirSync(directory).filter((name) => parseFileName(name)?.dump === null)
  const hashes = new Map<string, string>()
  for (const file of files) {
    const path = join(directory, file)
    for (const [name, sha256] of parseChecksums(readFileSync(path, 'utf8'), path))
      if (parseFileName(name) !== null) hashes.set(name, sha256)
  }
  return hashes
}

/** A month from the site to the disk: ask, plan, fetch at most two files at a time, verify, record. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { shrinkHeap } from '../collect-garbage.ts'
import { hasCode, PipelineError } from '../errors.ts'
import { hashFile } from '../lake/hash-file.ts'
import { diskFailure } from './disk-failure.ts'
import { assertRoom } from './disk-room.ts'
import { fetchFile, WrongBytesError } from './fetch-file.ts'
import { shareOf, withLock, withSlot } from './locks.ts'
import { publishedName, readMonthManifest, type VerifiedFile, verifiedFileIn } from './manifest.ts'
import { askForMonth, doubtAnswer, type MonthOptions, monthDirectory } from './month.ts'
import { type DumpName, dumpNames } from './names.ts'
import { adoptPart, beginsAsGzip } from './part-file.ts'
import { bytesToCome, type PlannedFile, planMonth } from './plan.ts'
import { recordFile, superseded } from './record-file.ts'
import { maxTransfers } from './patience.ts'
import type { Site } from './site.ts'

/** The page rounds sizes: a file that is smaller than this share of what it says was cut off. */
const leastWhole = 0.98

/** How far one file is. */
export interface FileProgress {
  readonly name: string
  /** `wait`: others are transferring. `hash`: what lies there is read. */
  readonly phase: 'wait' | 'hash' | 'fetch'
  readonly done: number
  /** Bytes of the whole file; about, until the server has said. Null: nobody knows. */
  readonly total: number | null
}

export interface DownloadOptions extends MonthOptions {
  /** Only these; all four by default. */
  readonly dumps?: readonly DumpName[]
  readonly onPlan?: (files: readonly PlannedFile[]) => void
  readonly onProgress?: (progress: FileProgress) => void
}

/** A file that is there, with its published hash. */
export interface DownloadedFile {
  readonly name: string
  readonly dump: DumpName
  /** `kept`: it was verified already. `verified`: it lay there and was compared now. `fetched`. */
  readonly outcome: 'kept' | 'verified' | 'fetched'
  readonly bytes: number
  readonly sha256: string
  readonly etag: string | null
  readonly url: string | null
  /** What came over the network. */
  readonly receivedBytes: number
}

/**
 * Makes sure that the files of a month are there, each with its published hash. Until a file is verified it does not have its name, and
 * an older one of that name stays. May be killed and called again; of several callers each file is brought by one.
 * @returns the files, in the order of the plan
 * @throws PipelineError what stopped it; other files may have been finished by then
 */
export async function downloadMonth(site: Site, month: string, options: DownloadOptions): Promise<readonly DownloadedFile[]> {
  try {
    return await bringMonth(site, month, options)
  } catch (error) {
    throw diskFailure(error, monthDirectory(options.rawDir, month))
  }
}

async function bringMonth(site: Site, month: string, options: DownloadOptions): Promise<readonly DownloadedFile[]> {
  const manifest = await askForMonth(site, month, options)
  const directory = monthDirectory(options.rawDir, month)
  const files = planMonth(directory, manifest, options.dumps ?? dumpNames)
  options.onPlan?.(files)
  await assertRoom(directory, bytesToCome(files), `the download of ${month}`)
  if (files.some(({ state }) => state !== 'verified')) shrinkHeap()
  return eachOf(files, (file) => new MonthFile(site, { ...options, directory, month, file }).bring())
}

/**
 * At most {@link maxTransfers} at a time. A failure ends its lane, the other one goes on: a large file is not given up because a small one
 * fails, and a site that is down is not asked for every file.
 * @throws the first failure, when all lanes have ended
 */
async function eachOf<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = []
  const failures: unknown[] = []
  const waiting = items.entries()
  const lane = async (): Promise<void> => {
    // Both lanes take from one iterator; leaving a `for` loop would close it for the other.
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      const [index, item] = next.value
      results[index] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: maxTransfers }, () => lane().catch((error: unknown) => void failures.push(error))))
  if (failures.length > 0) throw failures[0]
  return results
}

interface MonthFileOptions extends DownloadOptions {
  readonly directory: string
  readonly month: string
  readonly file: PlannedFile
}

/** One file of the plan. */
class MonthFile {
  readonly #site: Site
  readonly #options: MonthFileOptions
  readonly #path: string

  constructor(site: Site, options: MonthFileOptions) {
    this.#site = site
    this.#options = options
    this.#path = join(options.directory, options.file.name)
  }

  async bring(): Promise<DownloadedFile> {
    const { file, rawDir } = this.#options
    // The plan may be hours old by now.
    const kept = file.state === 'verified' ? this.#kept() : null
    if (kept !== null) return kept
    try {
      return await withLock(rawDir, file.name, this.#waiting('another process is at it'), () => this.bringAlone())
    } catch (error) {
      throw hasCode(error, 'ENOENT') ? this.#gone(error) : error
    }
  }

  /** Nobody else works on this file now; somebody may have finished it before. */
  async bringAlone(): Promise<DownloadedFile> {
    const kept = this.#kept()
    if (kept !== null) return kept
    if (this.#isSuperseded()) throw superseded(this.#options.file.name)
    const { file, rawDir } = this.#options
    if (await this.#isAlreadyThere())
      return this.#record('verified', { url: null, sha256: file.sha256, etag: null, receivedBytes: 0 })
    return withSlot(rawDir, this.#waiting(`${maxTransfers} other transfers are under way`), () => this.#fetch())
  }

  async #fetch(): Promise<DownloadedFile> {
    const { file, rawDir, signal, say } = this.#options
    const url = this.#site.fileUrl(file.name)
    try {
      const fetched = await fetchFile(
        this.#site,
        { path: this.#path, name: file.name, url, sha256: file.sha256 },
        {
          signal,
          say,
          rate: shareOf(rawDir, this.#site.bytesPerSecond),
          publishedNow: () => this.#publishedNow(),
          onProgress: (done, total, phase) => this.#tell(phase, done, total),
        },
      )
      return await this.#record('fetched', { ...fetched, url })
    } catch (error) {
      // Perhaps it is the checksum file that is wrong: the next download must not believe it unasked.
      if (error instanceof WrongBytesError) await this.#doubtAnswer()
      throw error
    }
  }

  /** @throws PipelineError when the month has been published under a later day meanwhile */
  async #publishedNow(): Promise<string> {
    const { file, month } = this.#options
    await this.#doubtAnswer()
    const { published } = await askForMonth(this.#site, month, { ...this.#options, freshMs: 0 })
    if (this.#isSuperseded()) throw superseded(file.name)
    return published.sha256[file.name] ?? file.sha256
  }

  #kept(): DownloadedFile | null {
    const { directory, file } = this.#options
    const known = verifiedFileIn(directory, readMonthManifest(directory), file.name)
    if (known?.sha256 !== file.sha256) return null
    return downloaded(file, known, { outcome: 'kept', receivedBytes: 0 })
  }

  /** A file that nobody has verified is read before it is fetched: it may have been copied here, or a kill came before the record. */
  async #isAlreadyThere(): Promise<boolean> {
    const { file, signal, say } = this.#options
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size
    if (file.state === 'changed' || size === undefined) return false
    const found = await hashFile(this.#path, { signal, onRead: (bytes) => this.#tell('hash', bytes, size) })
    if (found === file.sha256) return true
    const isShort = file.aboutBytes !== null && size < file.aboutBytes * leastWhole
    const isCut = isShort && file.state === 'unverified' && (await beginsAsGzip(this.#path))
    say(
      `${file.name}: what lies there is not what is published (sha256 ${found}); it stays until the published file is here${isCut ? ', and its bytes are tried as the beginning of that file' : ''}`,
    )
    if (isCut) await adoptPart(this.#path, file.sha256)
    return false
  }

  async #record(
    outcome: 'verified' | 'fetched',
    { url, sha256, etag, receivedBytes }: Pick<DownloadedFile, 'url' | 'sha256' | 'etag' | 'receivedBytes'>,
  ): Promise<DownloadedFile> {
    const { directory, file } = this.#options
    const { size, mtimeMs } = statSync(this.#path)
    const verified = { url, bytes: size, sha256, etag, verifiedAt: new Date().toISOString(), mtimeMs }
    await this.#withManifest(() => recordFile(directory, file.name, verified))
    return downloaded(file, verified, { outcome, receivedBytes })
  }

  #doubtAnswer(): Promise<void> {
    return this.#withManifest(() => doubtAnswer(this.#options.directory))
  }

  /** Changes the manifest of the month, which other processes change too. */
  #withManifest(change: () => void): Promise<void> {
    const { rawDir, month } = this.#options
    return withLock(rawDir, month, this.#waiting('its manifest is being written'), async () => {
      await Promise.resolve()
      change()
    })
  }

  /** Another process has asked since this one did, and found a later day. */
  #isSuperseded(): boolean {
    const { directory, file } = this.#options
    const published = readMonthManifest(directory)?.published
    return published !== undefined && publishedName(published, file.dump) > file.name
  }

  /** The part, or the whole month, was removed while it was worked on. */
  #gone(cause: unknown): PipelineError {
    if (this.#isSuperseded()) return superseded(this.#options.file.name)
    return new PipelineError(`${this.#path} or its part has gone while it was being fetched: was it removed?`, {
      cause,
      hint: 'run the same command again',
    })
  }

  #waiting(why: string): { readonly signal: AbortSignal; readonly onWait: () => void } {
    const { file, signal, say } = this.#options
    const onWait = (): void => {
      say(`${file.name}: ${why}: waiting`)
      this.#tell('wait', file.state === 'partial' ? file.presentBytes : 0, file.aboutBytes)
    }
    return { signal, onWait }
  }

  #tell(phase: FileProgress['phase'], done: number, total: number | null): void {
    const { file, onProgress } = this.#options
    onProgress?.({ name: file.name, phase, done, total: total ?? file.aboutBytes })
  }
}

function downloaded(
  { dump, name }: PlannedFile,
  { url, bytes, sha256, etag }: VerifiedFile,
  more: Pick<DownloadedFile, 'outcome' | 'receivedBytes'>,
): DownloadedFile {
  return { name, dump, url, bytes, sha256, etag, ...more }
}

/** Brings one file, whole and verified, or not at all. */
import { dirname } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import { PipelineError } from '../errors.ts'
import type { Answer, Headers } from './answer.ts'
import { assertRoom } from './disk-room.ts'
import { TransferFailure } from './failure.ts'
import { Limiter } from './pace.ts'
import { PartFile, type Validators } from './part-file.ts'
import { withRetries } from './retry.ts'
import type { Site } from './site.ts'

export interface WantedFile {
  /** Where it goes; its part lies beside it. */
  readonly path: string
  readonly name: string
  readonly url: string
  /** As published. */
  readonly sha256: string
}

export interface FetchOptions {
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** Asks the site again which hash it publishes, after bytes that do not have the one expected. */
  readonly publishedNow: () => Promise<string>
  /** Bytes per second that this transfer may take now; null without a limit. */
  readonly rate: () => number | null
  /** How many bytes are there, of how many (null: not known yet); `hash` while a part of an earlier process is read. */
  readonly onProgress: (done: number, total: number | null, phase: 'hash' | 'fetch') => void
}

export interface FetchedFile {
  readonly bytes: number
  /** As published when the last byte had arrived. */
  readonly sha256: string
  readonly etag: string | null
  /** What came over the network. */
  readonly receivedBytes: number
}

/**
 * The checksum file may be wrong as well as the bytes: after the first mismatch it is asked for again, before anything is fetched twice.
 * @throws PipelineError: twice the wrong bytes ({@link WrongBytesError}), a full disk, what the network or the site did; the reason of an abort
 */
export async function fetchFile(site: Site, wanted: WantedFile, options: FetchOptions): Promise<FetchedFile> {
  const { signal, say, onProgress, publishedNow } = options
  const onRead = (bytes: number): void => onProgress(bytes, null, 'hash')
  await using part = await PartFile.open(wanted.path, { sha256: wanted.sha256, signal, onRead })
  const transfer = new Transfer(site, wanted, { part, options })
  for (let [sha256, isSecond] = [wanted.sha256, false]; ; isSecond = true) {
    await withRetries(() => transfer.run(), { patience: site.patience, signal, say, progress: () => transfer.reachedBytes })
    await part.flush()
    const [found, bytes] = [part.digest(), part.bytes]
    const message = `${wanted.name}: sha256 of the ${bytes} bytes from ${wanted.url} is ${found}, its checksum file says ${sha256}`
    if (found !== sha256 && !isSecond) sha256 = await publishedNow()
    if (found === sha256) {
      await part.publish()
      return { bytes, sha256, etag: part.validators.etag, receivedBytes: transfer.receivedBytes }
    }
    if (isSecond) {
      await part.discard()
      throw new WrongBytesError(message)
    }
    await part.startOver(sha256)
    say(`${message}; fetching it once more from the start`)
  }
}

/** A file came twice, and neither time with the published hash. */
export class WrongBytesError extends PipelineError {
  constructor(message: string) {
    super(`${message}; so it was twice, and nothing was kept`, {
      retryable: false,
      hint: 'the site may be replacing the file just now, or a proxy changes it: try later',
    })
    this.name = 'WrongBytesError'
  }
}

/** The requests for one file. */
class Transfer {
  receivedBytes = 0
  /** The longest that the part has ever been. */
  reachedBytes = 0
  readonly #site: Site
  readonly #wanted: WantedFile
  readonly #part: PartFile
  readonly #options: FetchOptions
  readonly #limiter: Limiter

  constructor(site: Site, wanted: WantedFile, { part, options }: { readonly part: PartFile; readonly options: FetchOptions }) {
    this.#site = site
    this.#wanted = wanted
    this.#part = part
    this.#options = options
    this.#limiter = new Limiter(options.rate)
  }

  get #doing(): string {
    return `fetching ${this.#wanted.name}`
  }

  /** One request for what is missing. @throws TransferFailure when it did not bring all of it */
  async run(): Promise<void> {
    const part = this.#part
    if (part.isComplete) return
    const headers = part.bytes > 0 ? rangeHeaders(part) : {}
    using answer = await this.#site.get(this.#wanted.url, { doing: this.#doing, signal: this.#options.signal, headers })
    if (answer.status === 416) return this.#refusedRange(answer)
    if (answer.status === 206) await this.#assertContinues(answer)
    else if (answer.status !== 200) throw this.#unusable(answer)
    const total = answer.status === 206 ? part.validators.total : lengthOf(answer)
    // What a 200 brings takes the place of the part, what a 206 brings follows it.
    await assertRoom(dirname(this.#wanted.path), (total ?? 0) - part.bytes, this.#wanted.name)
    try {
      await this.#take(answer)
    } finally {
      await part.flush()
    }
    if (total !== null && part.bytes !== total)
      throw new TransferFailure(`${this.#doing}: ${answer.url} ended after ${part.bytes} of ${total} bytes`)
  }

  async #take(answer: Answer): Promise<void> {
    const { signal, onProgress } = this.#options
    const part = this.#part
    let isBegun = answer.status === 206
    for await (const chunk of answer.chunks()) {
      this.receivedBytes += chunk.length
      if (!isBegun) {
        // Only now is the answer known to be the file: until then an earlier part is kept.
        this.#assertGzip(chunk, answer)
        await part.restart(validatorsOf(answer))
        isBegun = true
      }
      await part.append(chunk)
      this.reachedBytes = Math.max(this.reachedBytes, part.bytes)
      onProgress(part.bytes, part.validators.total, 'fetch')
      await this.#limiter.take(chunk.length, signal)
    }
    if (!isBegun) throw new TransferFailure(`${this.#doing}: ${answer.url} answered without a single byte`)
  }

  /** A 206 is of use when it goes on exactly where the part ends, and in the same file. @throws TransferFailure after discarding the part */
  async #assertContinues({ headers, url }: Answer): Promise<void> {
    const { bytes, validators } = this.#part
    const range = headers['content-range'] ?? ''
    const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range)
    const [from, to, total] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])]
    const etag = headers['etag'] ?? validators.etag
    const isSameFile = (validators.total ?? total) === total && (validators.etag ?? etag) === etag
    const isRange = match !== null && bytes > 0 && from === bytes && to === total - 1
    const length = lengthOf({ headers })
    if (isRange && isSameFile && (length ?? total - bytes) === total - bytes) return
    await this.#part.startOver()
    throw new TransferFailure(
      `${this.#doing}: ${url} was asked for the bytes from ${bytes} on and answered with the range ${JSON.stringify(range)}${isSameFile ? '' : ' of another file'}: starting over`,
    )
  }

  /** The part is as long as the file, or longer. */
  async #refusedRange({ headers, url }: Answer): Promise<void> {
    const { bytes } = this.#part
    if (bytes > 0 && headers['content-range'] === `bytes */${bytes}`) return
    await this.#part.startOver()
    throw new TransferFailure(`${this.#doing}: ${url} has nothing from byte ${bytes} on (416): starting over`)
  }

  #unusable({ status, url }: Answer): PipelineError {
    if (status !== 404) return new TransferFailure(`${this.#doing}: ${url} answered ${status}`)
    return new PipelineError(`${this.#doing}: ${url} is not there (404)`, {
      hint: 'the site may be replacing the month: try later; `dag download --list` shows what is there',
    })
  }

  /** The first bytes decide, not the headers: servers call a dump by any type and encoding, and its sha256 is known. */
  #assertGzip(chunk: Buffer, answer: Answer): void {
    const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = answer.headers
    if (!isGzip(chunk)) {
      const text = JSON.stringify(chunk.subarray(0, 60).toString('latin1'))
      throw this.#noDump(answer, `bytes that are no gzip: ${text} (content of the type ${type}, encoding ${encoding})`)
    }
    if (encoding !== 'identity' && isGzip(unpacked(chunk)))
      throw this.#noDump(answer, `a dump that was compressed once more (content-encoding ${encoding})`)
  }

  #noDump({ status, url }: Answer, found: string): TransferFailure {
    return new TransferFailure(`${this.#doing}: ${url} answered ${status} with ${found}`, {
      hint: 'the site, or a proxy on the way, sends something else: open the URL in a browser, or set NO_PROXY to reach the site without the proxy',
    })
  }
}

/** RFC 1952, 2.3.1: every gzip file begins with 1f 8b. */
function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && (bytes.length === 1 || bytes[1] === 0x8b)
}

/** The first bytes of what a piece of gzip holds; none when it holds something else. */
function unpacked(chunk: Buffer): Buffer {
  try {
    return gunzipSync(chunk.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  }
}

/** RFC 9110, 13.1.5: If-Range takes a strong entity tag, else a date; without either the checksum alone tells. */
function rangeHeaders({ bytes, validators: { etag, lastModified } }: PartFile): Headers {
  const validator = etag !== null && !etag.startsWith('W/') ? etag : lastModified
  return { range: `bytes=${bytes}-`, ...(validator === null ? {} : { 'if-range': validator }) }
}

function validatorsOf(answer: Answer): Validators {
  return { etag: answer.headers['etag'] ?? null, lastModified: answer.headers['last-modified'] ?? null, total: lengthOf(answer) }
}

function lengthOf({ headers }: Pick<Answer, 'headers'>): number | null {
  const length = headers['content-length']
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : null
}

/**
 * A file on its way: `<name>.part`, and `<name>.part.json` that says what it is a part of. The bytes are hashed as they come. Node's
 * sha256 cannot be written down, so a later process reads the part once to go on; within one process nothing is read again.
 * (hash-wasm can save its state, but hashes 0.25 GB/s where OpenSSL with SHA instructions does 1.6: reading the part again is cheaper.)
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { constants, copyFile, type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GarbageCollector } from '../collect-garbage.ts'
import { hasCode } from '../errors.ts'
import { removeTemporaries, syncDirectory, writeJson } from '../lake/atomic-file.ts'
import { hashHandle, type HashFileOptions } from '../lake/hash-file.ts'
import { diskFailure } from './disk-failure.ts'

/** Chunks are gathered up to this size, or for this long, and written while the next ones come: what a kill loses is fetched again. */
const writeBytes = 1 << 18
const writeEveryMs = 50

/** What the server said of the file that the part belongs to. */
export interface Validators {
  readonly etag: string | null
  readonly lastModified: string | null
  /** Bytes of the whole file, null when the server did not say. */
  readonly total: number | null
}

export interface PartOptions extends HashFileOptions {
  /** Of the whole file. */
  readonly sha256: string
}

/** Of all files of the process: what two of them discard piles up in one heap. */
const garbage = new GarbageCollector('minor', 2 << 20)

const unknown: Validators = { etag: null, lastModified: null, total: null }

export class PartFile implements AsyncDisposable {
  readonly #target: string
  #expected: string
  readonly #handle: FileHandle
  #hash = createHash('sha256')
  #validators: Validators = unknown
  #bytes = 0
  #writtenBytes = 0
  /** Chunks are copied together: kept as they come, they would outlive the collections that are cheap. */
  #gathered = Buffer.allocUnsafe(writeBytes)
  #spare = Buffer.allocUnsafe(writeBytes)
  #gatheredBytes = 0
  #writtenAtMs = 0
  #writing: Promise<void> = Promise.resolve()

  private constructor(target: string, expected: string, handle: FileHandle) {
    this.#target = target
    this.#expected = expected
    this.#handle = handle
  }

  /**
   * Opens the part of `target`, and keeps what there is of it when it belongs to a file with the hash that is expected.
   * @throws the reason of an abort
   */
  static async open(target: string, { sha256, ...options }: PartOptions): Promise<PartFile> {
    const handle = await open(partPath(target), existsSync(partPath(target)) ? 'r+' : 'w+')
    const part = new PartFile(target, sha256, handle)
    try {
      const state = readState(target)
      if (state === null || state.sha256 !== sha256) await part.restart(unknown)
      else {
        part.#validators = state
        const { hash, bytes } = await hashHandle(handle, options)
        part.#hash = hash
        part.#bytes = part.#writtenBytes = bytes
      }
      return part
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** How much of the file is there. */
  get bytes(): number {
    return this.#bytes
  }

  get validators(): Validators {
    return this.#validators
  }

  get isComplete(): boolean {
    return this.#bytes > 0 && this.#bytes === this.#validators.total
  }

  /** Throws away what is there, and begins the file that `validators` describe. */
  async restart(validators: Validators): Promise<void> {
    await this.#settle()
    // In this order: a state never describes bytes of another file.
    await this.#handle.truncate(0)
    this.#hash = createHash('sha256')
    this.#bytes = this.#writtenBytes = 0
    this.#validators = validators
    writeState(this.#target, this.#expected, validators)
  }

  /** Takes bytes; waits only while the disk is a whole gathering behind. @throws PipelineError when they cannot be written */
  async append(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk)
    this.#bytes += chunk.length
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(this.#gathered, this.#gatheredBytes, at)
      at += copied
      this.#gatheredBytes += copied
      if (this.#gatheredBytes === writeBytes) await this.#write()
    }
    garbage.discarded(chunk.length)
    if (performance.now() - this.#writtenAtMs >= writeEveryMs) await this.#write()
  }

  /** Everything taken is in the file. @throws PipelineError when it cannot be written */
  async flush(): Promise<void> {
    await this.#write()
    await this.#writing
  }

  /** The hash of what is there; afterwards the part is restarted, published or discarded. */
  digest(): string {
    return this.#hash.digest('hex')
  }

  /** Gives the file its name, once it is on the disk. */
  async publish(): Promise<void> {
    await this.flush()
    await this.#handle.sync()
    await rename(partPath(this.#target), this.#target).catch((error: unknown) => {
      // Somebody has removed the part: its state describes nothing any more.
      if (hasCode(error, 'ENOENT')) rmSync(statePath(this.#target), { force: true })
      throw error
    })
    rmSync(statePath(this.#target), { force: true })
    removeTemporaries(statePath(this.#target))
    syncDirectory(dirname(this.#target))
  }

  /** Throws away what is there, before anybody knows what comes instead. @param sha256 of the file that is expected from now on */
  async startOver(sha256 = this.#expected): Promise<void> {
    this.#expected = sha256
    await this.restart(unknown)
  }

  /** Keeps nothing, for the last time. */
  async discard(): Promise<void> {
    await this.#settle()
    for (const path of [statePath(this.#target), partPath(this.#target)]) rmSync(path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settle()
    await this.#handle.close()
  }

  async #write(): Promise<void> {
    await this.#writing
    if (this.#gatheredBytes === 0) return
    const gathered = this.#gathered.subarray(0, this.#gatheredBytes)
    ;[this.#gathered, this.#spare] = [this.#spare, this.#gathered]
    this.#gatheredBytes = 0
    this.#writtenAtMs = performance.now()
    this.#writing = this.#writeAll(gathered)
    // It is awaited before the next write.
    this.#writing.catch(() => {})
  }

  /** A disk that is nearly full takes less than it was given. */
  async #writeAll(bytes: Buffer): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#writtenBytes)
        this.#writtenBytes += bytesWritten
        at += bytesWritten
      }
    } catch (cause) {
      throw diskFailure(cause, partPath(this.#target))
    }
  }

  /** Waits for a write under way, whatever becomes of it. */
  async #settle(): Promise<void> {
    this.#gatheredBytes = 0
    await this.#writing.catch(() => {})
    this.#writing = Promise.resolve()
  }
}

/** Whether a file may be a dump, by its first bytes (RFC 1952, 2.3.1). */
export async function beginsAsGzip(path: string): Promise<boolean> {
  await using handle = await open(path, 'r')
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
  return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
}

/**
 * Takes a copy of a file for the beginning of the file that is to come: another program may have been stopped while it wrote it. Its hash
 * decides in the end; a copy that turns out to be no beginning costs one more transfer.
 */
export async function adoptPart(target: string, sha256: string): Promise<void> {
  // In this order: a state never describes bytes that are not there yet.
  await copyFile(target, partPath(target), constants.COPYFILE_FICLONE)
  writeState(target, sha256, unknown)
}

/** What an earlier download has left of a file. @param sha256 of the whole file */
export function partOf(target: string, sha256: string): { readonly bytes: number; readonly isOfUse: boolean } {
  const bytes = statSync(partPath(target), { throwIfNoEntry: false })?.size ?? 0
  return { bytes, isOfUse: bytes > 0 && readState(target)?.sha256 === sha256 }
}

const partPath = (target: string): string => `${target}.part`
const statePath = (target: string): string => `${target}.part.json`

function writeState(target: string, sha256: string, { etag, lastModified, total }: Validators): void {
  writeJson(statePath(target), { sha256, etag, last_modified: lastModified, total })
}

function readState(target: string): (Validators & { readonly sha256: string }) | null {
  try {
    const { sha256, etag, last_modified, total }: Record<string, unknown> = JSON.parse(readFileSync(statePath(target), 'utf8'))
    if (typeof sha256 !== 'string') return null
    return {
      sha256,
      etag: typeof etag === 'string' ? etag : null,
      lastModified: typeof last_modified === 'string' ? last_modified : null,
      total: typeof total === 'number' ? total : null,
    }
  } catch {
    // Without a state that can be read the part is of no use: it is fetched anew.
    return null
  }
}

/**
 * Inflates a gzip file as a stream and refuses everything that is not whole: a cut member, a bad CRC or length,
 * bytes after the last member other than zero padding. zlib alone accepts some of these silently.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { messageOf, PipelineError } from '../errors.ts'

const readBytes = 1 << 18
const inflateBytes = 1 << 18
/** Inflating goes on in a thread of libuv while what it gave is looked at. */
const aheadBytes = 1 << 20

export interface InflateOptions {
  readonly signal?: AbortSignal
  /** Called with every compressed chunk, in order, before it is inflated. */
  readonly onCompressed?: (chunk: Buffer) => void
}

/**
 * The inflated bytes of `file`, in chunks of at most 256 KiB.
 * @throws PipelineError, not retryable, naming the file, and the compressed offset where the stream breaks
 */
export async function* inflatedChunks(file: string, options: InflateOptions = {}): AsyncGenerator<Buffer> {
  await assertGzip(file)
  let bytesRead = 0
  const observe = new Transform({
    highWaterMark: readBytes,
    transform(chunk: Buffer, _encoding, done) {
      bytesRead += chunk.length
      options.onCompressed?.(chunk)
      done(null, chunk)
    },
  })
  const gunzip = createGunzip({ chunkSize: inflateBytes, readableHighWaterMark: aheadBytes } as object)
  const source = createReadStream(file, { highWaterMark: readBytes, ...(options.signal && { signal: options.signal }) })
  // An error anywhere reaches the loop below through `gunzip`, which pipeline destroys with it.
  pipeline(source, observe, gunzip, () => {})
  try {
    yield* gunzip
  } catch (error) {
    options.signal?.throwIfAborted()
    throw new PipelineError(`inflating ${file}: ${describe(error)} near byte ${gunzip.bytesWritten} of the gzip file`, {
      hint: 'the file is incomplete or damaged: download it again',
      retryable: false,
      cause: error,
    })
  }
  options.signal?.throwIfAborted()
  // zlib may be through before the file is: what comes now is read below, and must not be seen twice.
  source.destroy()
  observe.destroy()
  await assertPadding(file, gunzip.bytesWritten, bytesRead, options)
}

function describe(error: unknown): string {
  const message = messageOf(error)
  return message === 'unexpected end of file' ? 'the gzip stream is cut short' : message
}

async function assertGzip(file: string): Promise<void> {
  await using handle = await open(file)
  const start = Buffer.alloc(64)
  const { bytesRead } = await handle.read(start, 0, start.length, 0)
  if (bytesRead === 0) throw new PipelineError(`inflating ${file}: the file is empty (0 bytes)`, notADump)
  if (start[0] === 0x1f && start[1] === 0x8b) return
  const text = start.toString('latin1', 0, bytesRead).replace(/[^\x20-\x7e]+/g, '.')
  throw new PipelineError(`inflating ${file}: byte 0 does not start a gzip stream, found ${JSON.stringify(text)}`, notADump)
}

const notADump = { hint: 'an error page may have been saved in place of the dump: download it again', retryable: false } as const

/** zlib stops reading at the first zero byte after a member: what follows must be zeros to the end of the file. */
async function assertPadding(file: string, consumed: number, alreadyRead: number, options: InflateOptions): Promise<void> {
  let offset = consumed
  for await (const chunk of createReadStream(file, { start: consumed, highWaterMark: readBytes }) as AsyncIterable<Buffer>) {
    const found = chunk.findIndex((byte) => byte !== 0)
    if (found !== -1) {
      throw new PipelineError(`inflating ${file}: bytes that are no gzip member follow the last one, at byte ${offset + found}`, {
        hint: 'the file is damaged: download it again',
        retryable: false,
      })
    }
    offset += chunk.length
    // The part of the padding that the inflating stream had not read yet.
    if (offset > alreadyRead) options.onCompressed?.(chunk.subarray(Math.max(0, chunk.length - (offset - alreadyRead))))
  }
}

/** Streams the records of one dump into a gzip file: constant memory, back pressure, the same bytes every time. */
import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, crc32, createDeflateRaw } from 'node:zlib'

/** Handed on at once; big enough to keep the compressing thread busy. */
const chunkCharacters = 256 * 1024
/** Fixed, since it decides the bytes; a higher one is slower and saves little on invented text. */
const level = 4

export interface WrittenDump {
  readonly path: string
  readonly records: number
  /** Size of the XML. */
  readonly xmlBytes: number
  /** Size of the file. */
  readonly bytes: number
  /** Of the file, hexadecimal. */
  readonly sha256: string
}

export interface DumpText {
  /** Name of the root element. */
  readonly root: string
  /** Stands before the root on a line of its own; empty for nothing. */
  readonly comment: string
  /** The record with this index, from 1; null for one that is not there. */
  readonly record: (index: number) => string | null
  /** Whether there is a record after that with this index (0 before the first one) and `xmlBytes` bytes. */
  readonly hasNext: (index: number, xmlBytes: number) => boolean
}

/** Writes the file under another name first; under its own it is always whole. */
export async function writeDump(path: string, text: DumpText, signal?: AbortSignal): Promise<WrittenDump> {
  const part = join(dirname(path), `.${basename(path)}.part`)
  mkdirSync(dirname(path), { recursive: true })
  const counts = { records: 0, xmlBytes: 0, crc: 0 }
  const hash = createHash('sha256')
  let bytes = 0
  const observe = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
  })
  const compressed = gzipOf(Readable.from(chunksOf(text, counts)), counts)
  try {
    await pipeline(compressed, observe, createWriteStream(part, { flush: true }), signal === undefined ? {} : { signal })
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
  renameSync(part, path)
  return { path, records: counts.records, xmlBytes: counts.xmlBytes, bytes, sha256: hash.digest('hex') }
}

interface Counts {
  records: number
  xmlBytes: number
  crc: number
}

/** One record a line, the root's tags on lines of their own. */
function* chunksOf({ root, comment, record, hasNext }: DumpText, counts: Counts): Generator<Buffer> {
  const cut = (characters: string): Buffer => {
    const chunk = Buffer.from(characters)
    counts.xmlBytes += chunk.length
    counts.crc = crc32(chunk, counts.crc)
    return chunk
  }
  let pending = `${comment === '' ? '' : `${comment}\n`}<${root}>\n`
  for (let index = 1; hasNext(index - 1, counts.xmlBytes + pending.length); index++) {
    const text = record(index)
    if (text === null) continue
    pending += `${text}\n`
    counts.records++
    if (pending.length < chunkCharacters) continue
    yield cut(pending)
    pending = ''
  }
  yield cut(`${pending}</${root}>\n`)
}

/** RFC 1952. The header is written here, since zlib's own names the operating system: no time, no name, system unknown (255). */
async function* gzipOf(xml: Readable, counts: Readonly<Counts>): AsyncGenerator<Buffer> {
  yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
  const deflate = createDeflateRaw({ level, memLevel: 9, strategy: constants.Z_DEFAULT_STRATEGY, chunkSize: 128 * 1024 })
  const fed = pipeline(xml, deflate)
  // Whoever reads below sees the error too; it must not count as unhandled before.
  fed.catch(() => {})
  for await (const chunk of deflate) yield chunk
  await fed
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(counts.crc, 0)
  trailer.writeUInt32LE(counts.xmlBytes % 0x1_0000_0000, 4)
  yield trailer
}

/**
 * Cuts a stream of XML into slices that can be read side by side. A slice ends behind a record's end tag, where white space
 * and the next record's start tag follow. Text inside a comment or CDATA section can look like that: whoever reads the slices
 * finds out, and joins the rest of one to the next.
 *
 * Where the cuts lie depends on the bytes of the XML alone, never on the chunks it came in.
 */
import { isSpace, skipSpace } from './markup.ts'
import { RecordSplitter } from './record-splitter.ts'
import { XmlError } from './xml-error.ts'

/** Bytes behind a slice that whoever scans it overwrites: one of each that ends a search, then zeros. */
export const paddingBytes = 32

export interface Slice {
  /** Byte offset in the XML. */
  readonly offset: number
  /** The slice from 0 to `length`, and room for {@link paddingBytes} behind it; the buffer is all of its memory. */
  readonly bytes: Buffer
  readonly length: number
  readonly isFirst: boolean
  readonly isLast: boolean
  /** Whether the document has no root element. False as well while the slices so far do not show it, as in a very long prolog. */
  readonly isRootless: boolean
}

export interface SliceOptions {
  readonly root: string
  readonly record: string
  /** A slice ends at the first place behind so many bytes. */
  readonly sliceBytes: number
  /** Bytes a slice may grow to where no record ends. Default 512 MiB. */
  readonly maxBytes?: number
  /** Memory for a slice of so many bytes; what is in it does not matter. Default: new memory each time. */
  readonly allocate?: (size: number) => Buffer
  /** Told of memory that is not needed any more, that of slices excepted: they belong to whoever got them. */
  readonly free?: (bytes: Buffer) => void
}

/** The first slice is small: reading begins with code that is not compiled yet, and somebody waits for the first records. */
const firstSliceBytes = 64 * 1024

/** So many times its size a slice grows in search of a sure place to cut, then any end tag of a record will do. */
const patience = 4

/** @throws what `chunks` throws, after a slice of what came before */
export async function* slicesOf(chunks: AsyncIterable<Buffer>, options: SliceOptions): AsyncGenerator<Slice> {
  const { maxBytes = 512 * 1024 * 1024 } = options
  const cutter = new Cutter(options)
  try {
    for await (const chunk of chunks) {
      cutter.append(chunk)
      if (cutter.length > maxBytes)
        throw new XmlError(`a record, or markup between records, longer than ${maxBytes} bytes`, cutter.offset)
      while (cutter.length > cutter.target) {
        const end = cutter.findEnd()
        if (end === -1) break
        yield cutter.take(end)
      }
    }
  } catch (error) {
    // What came before is read: it tells how far all was well.
    if (cutter.length < maxBytes) yield cutter.take(cutter.length)
    throw error
  }
  yield cutter.takeRest()
}

/** What a slice takes, with the chunk that ends behind it. */
function usualBytes({ sliceBytes }: SliceOptions): number {
  return sliceBytes + (sliceBytes >>> 2)
}

/** What came and was not cut off yet. */
class Cutter {
  readonly #options: SliceOptions
  readonly #endTag: Buffer
  readonly #startTag: Buffer
  #bytes: Buffer
  /** Nothing before this is a place to cut. */
  #searched: number
  /** Null once it is known whether there is a root element. */
  #prolog: RecordSplitter | null
  #isRootless = false
  /** The first end tag of a record that was passed over since what follows it is no start tag. */
  #doubtful = -1
  length = 0
  offset = 0
  /** The slice may end behind so many bytes. */
  target: number

  constructor(options: SliceOptions) {
    this.#options = options
    this.#prolog = new RecordSplitter(options)
    this.#endTag = Buffer.from(`</${options.record}`)
    this.#startTag = Buffer.from(`<${options.record}`)
    this.#bytes = this.#buffer(usualBytes(options))
    this.target = Math.min(options.sliceBytes, firstSliceBytes)
    this.#searched = this.target
  }

  append(chunk: Buffer): void {
    const size = this.length + chunk.length
    if (size + paddingBytes > this.#bytes.length) {
      const wider = this.#buffer(2 * size)
      this.#bytes.copy(wider, 0, 0, this.length)
      this.#options.free?.(this.#bytes)
      this.#bytes = wider
    }
    // Not `copy`, which moves shared memory word by word.
    this.#bytes.fill(chunk, this.length, size)
    this.length = size
  }

  /** Where the slice ends, -1 when more bytes must tell. */
  findEnd(): number {
    const limit = patience * this.target
    for (;;) {
      const tag = this.#bytes.subarray(0, this.length).indexOf(this.#endTag, this.#searched)
      if (tag === -1) {
        this.#searched = Math.max(this.#searched, this.length - this.#endTag.length + 1)
        return this.#searched > limit ? this.#doubtful : -1
      }
      if (tag > limit && this.#doubtful !== -1) return this.#doubtful
      const next = skipSpace(this.#bytes, tag + this.#endTag.length, this.length)
      if (next >= this.length) return -1
      if (this.#bytes[next] === 0x3e) {
        const start = skipSpace(this.#bytes, next + 1, this.length)
        if (start + this.#startTag.length >= this.length) return -1
        if (start > next + 1 && this.#isStart(start)) return next + 1
        if (this.#doubtful === -1) this.#doubtful = next + 1
      }
      this.#searched = tag + this.#endTag.length
    }
  }

  #isStart(at: number): boolean {
    const after = this.#bytes[at + this.#startTag.length]
    const isTag = this.#bytes.compare(this.#startTag, 0, this.#startTag.length, at, at + this.#startTag.length) === 0
    return isTag && (isSpace(after) || after === 0x3e || after === 0x2f)
  }

  take(end: number): Slice {
    const slice = this.#slice(end, false)
    const rest = this.length - end
    const bytes = this.#buffer(usualBytes(this.#options) + rest)
    this.#bytes.copy(bytes, 0, end, this.length)
    this.#bytes = bytes
    this.length = rest
    this.offset += end
    this.target = this.#options.sliceBytes
    this.#searched = this.target
    this.#doubtful = -1
    return slice
  }

  takeRest(): Slice {
    return this.#slice(this.length, true)
  }

  #slice(length: number, isLast: boolean): Slice {
    this.#lookForRoot(length)
    const isFirst = this.offset === 0
    return { offset: this.offset, bytes: this.#bytes, length, isFirst, isLast, isRootless: this.#isRootless }
  }

  /** Looks at the first slice, and at those after it while the prolog goes on. */
  #lookForRoot(length: number): void {
    if (this.#prolog === null) return
    try {
      // A copy: the slice is somebody else's soon.
      if (!this.#prolog.readProlog(Buffer.from(this.#bytes.subarray(0, length)))) return
      this.#isRootless = this.#prolog.isRootless
    } catch (error) {
      // Whoever reads the slice meets the same error.
      if (!(error instanceof XmlError)) throw error
    }
    this.#prolog = null
  }

  #buffer(size: number): Buffer {
    const { allocate } = this.#options
    return allocate === undefined ? Buffer.allocUnsafeSlow(size + paddingBytes) : allocate(size + paddingBytes)
  }
}

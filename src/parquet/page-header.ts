/**
 * Page headers (parquet.thrift, `PageHeader`) in Thrift's compact protocol, written by hand: a dump has as many of them as pages, and the
 * library's writer takes a stack trace for each (it calls `new Buffer`, which Node.js then looks into).
 *
 * A field is a byte (what its number is above the last one's << 4, type), then its value; a struct ends with a 0. All numbers are
 * zigzag varints (thrift-compact-protocol.md).
 */

const int32Type = 5
const structType = 12

/** parquet.thrift, `PageType` and `Encoding`. */
const pageType = { data: 0, dictionary: 2 } as const
const encodings = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const

/** Sizes in bytes, of the body before and after compression. */
export interface PageSizes {
  readonly uncompressed: number
  readonly compressed: number
}

export function dictionaryPageHeader(entries: number, sizes: PageSizes): Uint8Array {
  const header = new CompactStruct()
  putSizes(header, pageType.dictionary, sizes)
  return header.field(7, [entries, encodings.PLAIN]).end()
}

/** @param rows NULLs included */
export function dataPageHeader(rows: number, encoding: 'PLAIN' | 'RLE_DICTIONARY', sizes: PageSizes): Uint8Array {
  const header = new CompactStruct()
  putSizes(header, pageType.data, sizes)
  return header.field(5, [rows, encodings[encoding], encodings.RLE, encodings.RLE]).end()
}

function putSizes(header: CompactStruct, type: number, { uncompressed, compressed }: PageSizes): void {
  header.field(1, type).field(2, uncompressed).field(3, compressed)
}

class CompactStruct {
  readonly #bytes: number[] = []
  #last = 0

  /** @param value a 32-bit number, or those of a struct with fields from 1 on */
  field(id: number, value: number | readonly number[]): this {
    const isStruct = typeof value !== 'number'
    this.#bytes.push(((id - this.#last) << 4) | (isStruct ? structType : int32Type))
    this.#last = id
    if (!isStruct) {
      this.#varint(value)
      return this
    }
    for (const number of value) {
      this.#bytes.push((1 << 4) | int32Type)
      this.#varint(number)
    }
    this.#bytes.push(0)
    return this
  }

  end(): Uint8Array {
    this.#bytes.push(0)
    return Uint8Array.from(this.#bytes)
  }

  #varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    for (; rest > 127; rest >>>= 7) this.#bytes.push((rest & 127) | 128)
    this.#bytes.push(rest)
  }
}

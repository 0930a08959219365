/** The pages of one column chunk: headers and compressed bodies, one after the other. */
import { constants, zstdCompressSync } from 'node:zlib'
import { spareBytes } from './column.ts'
import { parquet, serializeThrift } from './thrift.ts'

export type ValueEncoding = 'PLAIN' | 'RLE_DICTIONARY'

/** One data page before compression. */
export interface DataPage {
  readonly rows: number
  readonly encoding: ValueEncoding
  /** Definition levels, null for a required column. */
  readonly levels: Uint8Array | null
  readonly body: Uint8Array
}

// Working memory: the chunk being made, and a page of it.
let chunk = new Uint8Array(1024 * 1024)
let page = new Uint8Array(1024)

/** Only one at a time: it writes into working memory of the module. */
export class Pages {
  readonly #zstdLevel: number
  /** Number of data pages so far. */
  dataPages = 0
  /** Bytes so far, as they will be written. */
  length = 0
  /** The same with the bodies not compressed, headers included (parquet.thrift, `total_uncompressed_size`). */
  uncompressedLength = 0

  constructor(zstdLevel: number) {
    this.#zstdLevel = zstdLevel
  }

  addDictionary(size: number, body: Uint8Array): void {
    const compressed = this.#compress(body)
    const header = new parquet.PageHeader({
      type: parquet.PageType.DICTIONARY_PAGE,
      uncompressed_page_size: body.length,
      compressed_page_size: compressed.length,
      dictionary_page_header: new parquet.DictionaryPageHeader({ num_values: size, encoding: parquet.Encoding.PLAIN }),
    })
    this.#add(serializeThrift(header), compressed, body.length)
  }

  /** A page v1, which holds levels and body together: ZSTD shrinks both (v2, without that: 1 % more bytes of a dump). */
  addData({ rows, encoding, levels, body }: DataPage): void {
    const whole = levels === null ? body : joined(levels, body)
    const compressed = this.#compress(whole)
    const header = new parquet.PageHeader({
      type: parquet.PageType.DATA_PAGE,
      uncompressed_page_size: whole.length,
      compressed_page_size: compressed.length,
      data_page_header: new parquet.DataPageHeader({
        num_values: rows,
        encoding: parquet.Encoding[encoding],
        definition_level_encoding: parquet.Encoding.RLE,
        repetition_level_encoding: parquet.Encoding.RLE,
      }),
    })
    this.#add(serializeThrift(header), compressed, whole.length)
    this.dataPages++
  }

  /** All pages in memory of their own, which may be transferred to another thread. */
  take(): Uint8Array<ArrayBuffer> {
    const pages = chunk.slice(0, this.length)
    if (chunk.length > 4 * spareBytes) chunk = new Uint8Array(spareBytes)
    return pages
  }

  #add(header: Uint8Array, compressed: Uint8Array, uncompressedLength: number): void {
    const end = this.length + header.length + compressed.length
    if (end > chunk.length) {
      const wider = new Uint8Array(2 * end)
      wider.set(chunk.subarray(0, this.length))
      chunk = wider
    }
    chunk.set(header, this.length)
    chunk.set(compressed, this.length + header.length)
    this.length = end
    this.uncompressedLength += header.length + uncompressedLength
  }

  #compress(body: Uint8Array): Buffer {
    // With its size told, and room for any result, ZSTD reads the body where it lies.
    const chunkSize = body.length + (body.length >>> 8) + 1024
    const params = { [constants.ZSTD_c_compressionLevel]: this.#zstdLevel }
    return zstdCompressSync(body, { chunkSize, pledgedSrcSize: body.length, params })
  }
}

/** The length of the levels, the levels, the body; valid until the next call. */
function joined(levels: Uint8Array, body: Uint8Array): Uint8Array {
  const length = 4 + levels.length + body.length
  if (page.length < length || page.length > spareBytes) page = new Uint8Array(length < spareBytes / 2 ? 2 * length : length)
  new DataView(page.buffer).setUint32(0, levels.length, true)
  page.set(levels, 4)
  page.set(body, 4 + levels.length)
  return page.subarray(0, length)
}

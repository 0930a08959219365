/**
 * Encodes a column as the pages of a column chunk. Pure: the same column gives the same bytes in any thread, at any time; nothing is
 * kept but working memory. The kernel decides and writes what pages hold (`assembly/encode.ts`); headers and compression are added here.
 */
import type { Kernel } from '../kernel/kernel.ts'
import type { Column, ColumnKind } from './columns.ts'
import { Pages, type ValueEncoding } from './pages.ts'
import { type Bounds, exactBounds, truncatedBounds } from './statistics.ts'

export interface EncodeOptions {
  /** Uncompressed bytes of values in a data page, more only when one value is longer. Default 1 MiB. */
  readonly pageBytes?: number
  /** Default 1. */
  readonly zstdLevel?: number
}

/** One column chunk, ready to be written: plain data, `pages` may be transferred. */
export interface EncodedColumn {
  readonly kind: ColumnKind
  readonly required: boolean
  readonly rows: number
  readonly nullCount: number
  /** The dictionary page, if there is one, then the data pages. */
  readonly pages: Uint8Array
  /** 0 without a dictionary. */
  readonly dictionaryPageLength: number
  /** Of the data pages, all of them. */
  readonly encoding: ValueEncoding
  readonly dataPages: number
  readonly uncompressedSize: number
  readonly bounds: Bounds | null
}

/** @param column which nobody changes meanwhile */
export function encodeColumn(kernel: Kernel, column: Column, options: EncodeOptions = {}): EncodedColumn {
  const { pageBytes = 1024 * 1024, zstdLevel = 1 } = options
  const pages = new Pages(zstdLevel)
  const encoding = new Encoding(kernel, kernel.exports.beginEncoding(column.address, pageBytes))
  try {
    const { dictionarySize, dictionary } = encoding
    if (dictionarySize > 0) pages.addDictionary(dictionarySize, dictionary)
    const dictionaryPageLength = pages.length
    const valueEncoding = dictionarySize > 0 ? 'RLE_DICTIONARY' : 'PLAIN'
    while (kernel.exports.nextPage() === 1)
      pages.addData({ rows: encoding.pageRows, encoding: valueEncoding, body: encoding.page })
    return {
      kind: column.kind,
      required: column.required,
      rows: column.rows,
      nullCount: column.nulls,
      pages: pages.take(),
      dictionaryPageLength,
      encoding: valueEncoding,
      dataPages: pages.dataPages,
      uncompressedSize: pages.uncompressedLength,
      bounds: boundsOf(column, encoding),
    }
  } finally {
    kernel.exports.endEncoding()
  }
}

/** Null for a column without values. */
function boundsOf(column: Column, { min, max }: Encoding): Bounds | null {
  if (column.values === 0) return null
  return column.kind === 'VARCHAR' ? truncatedBounds(min, max) : exactBounds(min, max)
}

/** The fields of an encoding in the kernel's memory, in their order: see `Encoding` in `assembly/encode.ts`. Of bytes, the address. */
const field = { dictionarySize: 0, dictionary: 1, min: 3, max: 5, page: 7, pageRows: 9 } as const
const fields = 10

/** What the kernel says of the column that it encodes. */
class Encoding {
  readonly #kernel: Kernel
  readonly #fields: Int32Array

  constructor(kernel: Kernel, address: number) {
    this.#kernel = kernel
    this.#fields = kernel.int32(address, fields)
  }

  /** Number of entries, 0 without a dictionary. */
  get dictionarySize(): number {
    return this.#number(field.dictionarySize)
  }

  /** The entries as PLAIN encoding writes them. */
  get dictionary(): Buffer {
    return this.#bytes(field.dictionary)
  }

  get min(): Buffer {
    return this.#bytes(field.min)
  }

  get max(): Buffer {
    return this.#bytes(field.max)
  }

  /** The body of the page made last. */
  get page(): Buffer {
    return this.#bytes(field.page)
  }

  get pageRows(): number {
    return this.#number(field.pageRows)
  }

  #bytes(index: number): Buffer {
    return this.#kernel.bytes(this.#number(index), this.#number(index + 1))
  }

  #number(index: number): number {
    return (this.#fields[index] ?? 0) >>> 0
  }
}

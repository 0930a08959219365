/** Page headers (parquet.thrift, `PageHeader`). */
import { encodings, pageTypes } from './format.ts'
import { CompactStruct } from './thrift.ts'

/** Sizes in bytes, of the body before and after compression. */
export interface PageSizes {
  readonly uncompressed: number
  readonly compressed: number
}

export function dictionaryPageHeader(entries: number, sizes: PageSizes): Uint8Array {
  const dictionary = new CompactStruct().int32(1, entries).int32(2, encodings.PLAIN)
  return pageHeader(pageTypes.dictionary, sizes).struct(7, dictionary).toBytes()
}

/** @param rows NULLs included */
export function dataPageHeader(rows: number, encoding: 'PLAIN' | 'RLE_DICTIONARY', sizes: PageSizes): Uint8Array {
  const data = new CompactStruct().int32(1, rows).int32(2, encodings[encoding]).int32(3, encodings.RLE).int32(4, encodings.RLE)
  return pageHeader(pageTypes.data, sizes).struct(5, data).toBytes()
}

function pageHeader(type: number, { uncompressed, compressed }: PageSizes): CompactStruct {
  return new CompactStruct().int32(1, type).int32(2, uncompressed).int32(3, compressed)
}

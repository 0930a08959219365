/** Encodes one column at a time as the pages of a column chunk, uncompressed: see `src/parquet/encode.ts`, which compresses them. */
import { findBooleanBounds, findNumberBounds, findTextBounds, greatest, least } from './bounds'
import { Column, kindBoolean, kindInt, kindLong, kindText } from './column'
import * as dictionary from './dictionary'
import { allocate } from './memory'
import * as pages from './pages'

/**
 * What there is to know of the column that an instance encodes. Fields are in the order that `src/parquet/encode.ts` reads:
 * 10 numbers of 32 bits. What they point to is valid until `endEncoding`, a page until the next one.
 */
@unmanaged
class Encoding {
  /** Entries of the dictionary, 0 when values are PLAIN; their bytes. */
  dictionarySize: u32
  dictionary: u32
  dictionaryLength: u32
  /** The least and the greatest value; both addresses are 0 when all are NULL. */
  min: u32
  minLength: u32
  max: u32
  maxLength: u32
  /** The body of the page made last, its bytes, its rows. */
  page: u32
  pageLength: u32
  pageRows: i32
}

let encoding: Encoding = changetype<Encoding>(0)

/**
 * Looks at all values: builds a dictionary if it pays, finds the bounds.
 * @param pageBytes bytes of values in a page, more only when one value is longer
 * @returns the address of an {@link Encoding}, always the same one
 */
export function beginEncoding(column: Column, pageBytes: u32): usize {
  if (changetype<usize>(encoding) == 0) encoding = changetype<Encoding>(allocate(offsetof<Encoding>()))
  memory.fill(changetype<usize>(encoding), 0, offsetof<Encoding>())
  if (column.values > 0) {
    if (hasDictionary(column)) describeDictionary()
    describeBounds(column)
  }
  pages.beginPages(column, pageBytes, encoding.dictionarySize > 0)
  return changetype<usize>(encoding)
}

/** Makes the next page and describes it. @returns whether there is one */
export function nextPage(): bool {
  if (!pages.nextPage()) return false
  encoding.page = pages.body as u32
  encoding.pageLength = pages.bodyLength
  encoding.pageRows = pages.rows
  return true
}

/** Gives back working memory that is larger than most columns need. */
export function endEncoding(): void {
  pages.endPages()
  dictionary.endDictionary()
}

function hasDictionary(column: Column): bool {
  if (column.kind == kindText) return dictionary.buildTextDictionary(column)
  if (column.kind == kindLong) return dictionary.buildNumberDictionary<i64>(column)
  return column.kind == kindInt && dictionary.buildNumberDictionary<i32>(column)
}

function describeDictionary(): void {
  encoding.dictionarySize = dictionary.size
  encoding.dictionary = dictionary.entries as u32
  encoding.dictionaryLength = dictionary.length
}

/** Of the entries, when there is a dictionary: fewer values to look at. */
function describeBounds(column: Column): void {
  const indexed = encoding.dictionarySize > 0
  const from = (indexed ? encoding.dictionary : column.data) as usize
  const to = from + ((indexed ? encoding.dictionaryLength : column.length) as usize)
  if (column.kind == kindText) {
    findTextBounds(from, to)
    describeTextBounds()
    return
  }
  if (column.kind == kindLong) findNumberBounds<i64>(from, to)
  else if (column.kind == kindInt) findNumberBounds<i32>(from, to)
  else findBooleanBounds(from, to)
  encoding.min = least as u32
  encoding.max = greatest as u32
  encoding.minLength = column.kind == kindBoolean ? 1 : column.kind == kindInt ? 4 : 8
  encoding.maxLength = encoding.minLength
}

/** Without their lengths. */
function describeTextBounds(): void {
  encoding.min = (least as u32) + 4
  encoding.minLength = load<u32>(least)
  encoding.max = (greatest as u32) + 4
  encoding.maxLength = load<u32>(greatest)
}

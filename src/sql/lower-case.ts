/**
 * LOWER of this project: Unicode 17.0's simple lower case, one code point to one (UnicodeData.txt, field 13); that is
 * Node 24's `toLowerCase` of each single code point, save U+0130 (İ), which becomes `i`.
 *
 * Engines carry older tables (DuckDB 1.5.6: Unicode 15, Java 25: Unicode 16), so the capitals added since are translated first.
 * Both engines have `translate(x, from, to)`, and a letter that an engine already knows comes out the same.
 */

/** Capitals newer than Unicode 15.0 as [first, last, lower case of the first]; the lower cases of a range follow one another. */
const newerCapitals: readonly (readonly [first: number, last: number, lower: number])[] = [
  [0x1c89, 0x1c89, 0x1c8a],
  [0xa7cb, 0xa7cb, 0x0264],
  [0xa7cc, 0xa7cc, 0xa7cd],
  [0xa7ce, 0xa7ce, 0xa7cf],
  [0xa7d2, 0xa7d2, 0xa7d3],
  [0xa7d4, 0xa7d4, 0xa7d5],
  [0xa7da, 0xa7da, 0xa7db],
  [0xa7dc, 0xa7dc, 0x019b],
  [0x10d50, 0x10d65, 0x10d70],
  [0x16ea0, 0x16eb8, 0x16ebb],
]

/** Arguments of `translate`: the n-th character of `from` becomes the n-th of `to`. */
export const newerLowerCase: { readonly from: string; readonly to: string } = {
  from: newerCapitals.map(([first, last]) => characters(first, last)).join(''),
  to: newerCapitals.map(([first, last, lower]) => characters(lower, lower + last - first)).join(''),
}

/** A regular expression that finds a letter of `from`. */
export const newerCapital = `[${newerLowerCase.from}]`

function characters(first: number, last: number): string {
  return String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, index) => first + index))
}

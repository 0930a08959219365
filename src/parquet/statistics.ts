/**
 * Lower and upper bounds of a column's values for readers to prune by (parquet.thrift, `Statistics`): text in the order
 * of its unsigned bytes, numbers signed, bytes as PLAIN encoding writes one value.
 */
export interface Bounds {
  readonly min: Uint8Array<ArrayBuffer>
  /** Null when every text above the values is longer than a bound may be. */
  readonly max: Uint8Array<ArrayBuffer> | null
  /** True when both are values, of numbers and booleans alone. DuckDB 1.5.0 to 1.5.2 cuts MIN and MAX of exactly bounded texts to 8 bytes. */
  readonly isExact: boolean
}

/** Longer texts are bounded by a prefix. */
const maxBoundBytes = 64

/** The least and the greatest value themselves. */
export function exactBounds(min: Buffer, max: Buffer): Bounds {
  return { min: alone(min), max: alone(max), isExact: true }
}

/** Cuts bounds of UTF-8 texts to at most {@link maxBoundBytes}, between characters; the upper one is then moved up. */
export function truncatedBounds(min: Buffer, max: Buffer): Bounds {
  const cutMin = min.subarray(0, characterStart(min, maxBoundBytes))
  const cutMax = max.subarray(0, characterStart(max, maxBoundBytes))
  const upper = cutMax.length === max.length ? max : successor(cutMax)
  return { min: alone(cutMin), max: upper === null ? null : alone(upper), isExact: false }
}

/** In memory of its own: a message to another thread would copy all of the buffer around it. */
function alone(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

/** Where the character begins that holds the byte at `index`; the length of a shorter text. */
function characterStart(text: Buffer, index: number): number {
  if (index >= text.length) return text.length
  let at = index
  while (at > 0 && ((text[at] ?? 0) & 0xc0) === 0x80) at--
  return at
}

/**
 * The least text of this length or less that is greater than every text with this prefix: its last character that has
 * a successor, replaced by that one (UTF-8 sorts as code points do). Null for nothing but U+10FFFF.
 */
function successor(prefix: Buffer): Buffer | null {
  for (let end = prefix.length; end > 0; ) {
    const start = characterStart(prefix, end - 1)
    const code = prefix.toString('utf8', start, end).codePointAt(0) ?? 0
    if (code < 0x10_ffff) {
      // Surrogates are no characters.
      const next = Buffer.from(String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1))
      if (start + next.length <= maxBoundBytes) return Buffer.concat([prefix.subarray(0, start), next])
    }
    end = start
  }
  return null
}

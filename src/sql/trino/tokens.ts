/** Cuts a statement as Trino's grammar does (SqlBase.g4): enough to know what is text, what a name and what a comment. */

export interface Token {
  readonly kind: 'word' | 'text' | 'quoted' | 'comment' | 'blank' | 'mark'
  /** As written. */
  readonly text: string
  /** Offset in UTF-16 units. */
  readonly at: number
}

/**
 * Block comments do not nest, and a backslash means nothing. What is not closed runs to the end: the server says what is wrong with it.
 * `?` is a token of its own only outside all of these.
 */
const pattern =
  /(?<text>'[^']*(?:''[^']*)*(?:'|$)|\$\$[^]*?(?:\$\$|$))|(?<quoted>"[^"]*(?:""[^"]*)*(?:"|$)|`[^`]*(?:``[^`]*)*(?:`|$))|(?<comment>--[^\r\n]*|\/\*[^]*?(?:\*\/|$))|(?<word>[\p{L}\p{N}_@$]+)|(?<blank>\s+)|(?<mark>[^])/gu

/** All of the text, in order. */
export function tokensOf(text: string): Token[] {
  return [...text.matchAll(pattern)].map((match) => ({ kind: kindOf(match.groups ?? {}), text: match[0], at: match.index }))
}

/** Without comments and white space. */
export function significant(tokens: readonly Token[]): Token[] {
  return tokens.filter(({ kind }) => kind !== 'comment' && kind !== 'blank')
}

function kindOf(groups: Readonly<Record<string, string | undefined>>): Token['kind'] {
  for (const kind of ['text', 'quoted', 'comment', 'word', 'blank'] as const) if (groups[kind] !== undefined) return kind
  return 'mark'
}

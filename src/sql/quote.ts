/** A piece of SQL that is safe to put into a statement. Made only by the functions of this file. */
export interface SqlFragment {
  readonly sql: string
}

/** A name as every engine reads it, whatever it holds. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as a literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Names with commas between them. */
export function identifiers(...names: readonly string[]): SqlFragment {
  return { sql: names.map(quoteIdentifier).join(', ') }
}

/** Literals with commas between them. */
export function literals(...values: readonly (string | bigint | number)[]): SqlFragment {
  return { sql: values.map((value) => (typeof value === 'string' ? quoteText(value) : String(value))).join(', ') }
}

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

/** Further columns of a SELECT: how many values each of some columns holds, under its own name. */
export function valueCounts(...names: readonly string[]): SqlFragment {
  return {
    sql: names
      .map(quoteIdentifier)
      .map((name) => `, count(${name}) AS ${name}`)
      .join(''),
  }
}

/**
 * A number and what stands beside it in a key, in one number: ordinals in bits 30 to 43, lengths of labels in bits 60 and 61. Others may come
 * to the same one.
 */
export function packed(number: string, ordinals: readonly string[], labels: readonly string[]): SqlFragment {
  const beside = [
    ...ordinals.map((name) => `bitwise_left_shift(CAST(abs(coalesce(${quoteIdentifier(name)}, 0)) AS BIGINT), 30)`),
    ...labels.map((name) => `bitwise_left_shift(CAST(length(coalesce(${quoteIdentifier(name)}, '')) % 4 AS BIGINT), 60)`),
  ]
  return { sql: beside.reduce((sql, part) => `bitwise_xor(${sql}, ${part})`, quoteIdentifier(number)) }
}

export interface ColumnOf {
  readonly dataset: string
  readonly column: string
}

/** Columns of any tables below each other, as `link` (`<dataset>.<column>`) and `reference` (the value). */
export function stackedColumns(...columns: readonly ColumnOf[]): SqlFragment {
  const selects = columns.map(({ dataset, column }) => {
    return `SELECT ${quoteText(`${dataset}.${column}`)} AS link, ${quoteIdentifier(column)} AS reference FROM ${quoteIdentifier(dataset)}`
  })
  return { sql: selects.join('\n    UNION ALL ') }
}

/** Literals with commas between them. */
export function literals(...values: readonly (string | bigint | number)[]): SqlFragment {
  return { sql: values.map((value) => (typeof value === 'string' ? quoteText(value) : String(value))).join(', ') }
}

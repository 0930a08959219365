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

/** Further columns of a SELECT, `width` of them: how many values each of some columns holds, then zeros. Tables can be counted below each other. */
export function valueCounts(names: readonly string[], width = names.length): SqlFragment {
  const counts = valueCountNames(width).map((name, index) => {
    const column = names[index]
    return `, ${column === undefined ? 'CAST(0 AS BIGINT)' : `count(${quoteIdentifier(column)})`} AS ${name}`
  })
  return { sql: counts.join('') }
}

/** How {@link valueCounts} names its columns. */
export function valueCountNames(width: number): readonly string[] {
  return Array.from({ length: width }, (_, index) => `value_count_${index + 1}`)
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

/** Numbers and texts in one number; others may come to the same one, which happens by chance alone unless numbers are of 2^23 and more. */
export function hashed(numbers: readonly string[], texts: readonly string[]): SqlFragment {
  const [first = '0', ...others] = numbers.map((name) => `coalesce(${quoteIdentifier(name)}, 0)`)
  const parts = [
    ...others.map((number) => `bitwise_left_shift(abs(CAST(${number} % 8388608 AS BIGINT)), 39)`),
    // Shifted, since two columns may hold the same text.
    ...texts.map((name, index) => {
      return `bitwise_right_shift(coalesce(from_big_endian_64(xxhash64(to_utf8(${quoteIdentifier(name)}))), 0), ${index})`
    }),
  ]
  return { sql: parts.reduce((sql, part) => `bitwise_xor(${sql}, ${part})`, `CAST(${first} AS BIGINT)`) }
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

/**
 * What columns of ids refer to, in blocks of 32 ids: `link` (`<dataset>.<column>`), `block`, `referring` (rows) and `bits` (ids). A block of one
 * column is one row: grouped before they are put below each other, rows need not be sent from one stage of a server to the next.
 */
export function stackedBlocks(...columns: readonly ColumnOf[]): SqlFragment {
  const selects = columns.map(({ dataset, column }) => {
    const [reference, block] = [quoteIdentifier(column), `bitwise_right_shift(${quoteIdentifier(column)}, 5)`]
    return `SELECT ${quoteText(`${dataset}.${column}`)} AS link, ${block} AS block, count(*) AS referring, bitwise_or_agg(${bitOf(column).sql}) AS bits
    FROM ${quoteIdentifier(dataset)} WHERE ${reference} IS NOT NULL GROUP BY ${block}`
  })
  return { sql: selects.join('\n  UNION ALL ') }
}

/** The bit of an id in its block of 32. */
export function bitOf(column: string): SqlFragment {
  return { sql: `bitwise_left_shift(CAST(1 AS BIGINT), CAST(bitwise_and(${quoteIdentifier(column)}, 31) AS INTEGER))` }
}

/** Literals with commas between them. */
export function literals(...values: readonly (string | bigint | number)[]): SqlFragment {
  return { sql: values.map((value) => (typeof value === 'string' ? quoteText(value) : String(value))).join(', ') }
}

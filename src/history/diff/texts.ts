/** The statements of a comparison. Names with `@` are ours: no column of a dataset has one. */
import { quoteIdentifier, quoteText } from '../../sql/quote.ts'
import type { Pair, PairedColumn, Side } from './sides.ts'

/** Name of the column that says what happened to a row. */
export const changeColumn = 'change'

export function beforeName(column: string): string {
  return `${column}_before`
}

export function afterName(column: string): string {
  return `${column}_after`
}

/** The temporary table of keys that more than one row has; see {@link repeatedKeys}. */
const repeated = 'temp.main."@repeated"'

/** Keys that several rows of one side share, within a slice. */
export function repeatedKeys({ before, after, key }: Pair, slice: string): string {
  const ofSide = (side: Side): string =>
    `SELECT ${values(key)} FROM ${side.source} WHERE ${slice} GROUP BY ALL HAVING count(*) > 1`
  return `CREATE OR REPLACE TEMP TABLE "@repeated" AS ${ofSide(before)} UNION ${ofSide(after)}`
}

export const countRepeatedKeys = `SELECT count(*) AS n FROM ${repeated}`

export interface SliceOptions {
  /** Which rows of both sides: a condition on the first key column. */
  readonly slice: string
  /** Whether {@link repeatedKeys} found any: those rows are paired in the order of their values. */
  readonly hasRepeats: boolean
}

/** All rows of a slice in pairs: key columns, what happened (also `unchanged`), the other columns before and after. Sorted by key. */
export function pairedRows(pair: Pair, { slice, hasRepeats }: SliceOptions): string {
  return sorted(pair, pair.isWholeRow ? wholeRows(pair, slice, { withUnchanged: true }) : keyedRows(pair, slice, hasRepeats))
}

/** {@link pairedRows} without the unchanged ones. */
export function changedRows(pair: Pair, options: SliceOptions): string {
  return sorted(pair, unsortedChanges(pair, options))
}

/** How many rows of a slice were added, removed and changed. */
export function changeCounts(pair: Pair, options: SliceOptions): string {
  return `SELECT ${changeColumn}, count(*) AS n FROM (${unsortedChanges(pair, options)}) GROUP BY ${changeColumn}`
}

function unsortedChanges(pair: Pair, { slice, hasRepeats }: SliceOptions): string {
  if (pair.isWholeRow) return wholeRows(pair, slice, { withUnchanged: false })
  return `SELECT * FROM (${keyedRows(pair, slice, hasRepeats)}) WHERE ${changeColumn} <> 'unchanged'`
}

function sorted({ key }: Pair, rows: string): string {
  return `SELECT * FROM (${rows}) ORDER BY ${[...key.map(({ name }) => quoteIdentifier(name)), changeColumn].join(', ')}`
}

function keyedRows(pair: Pair, slice: string, hasRepeats: boolean): string {
  const { key, columns } = pair
  const shared = columns.filter(({ isBefore, isAfter }) => isBefore && isAfter)
  const side = (one: Side, has: (column: PairedColumn) => boolean): string =>
    numbered(one, pair, columns.filter(has), shared, slice, hasRepeats)
  const selected = [
    ...key.map(({ name }) => `coalesce(a.${quoteIdentifier(name)}, b.${quoteIdentifier(name)}) AS ${quoteIdentifier(name)}`),
    `${kindOf(shared)} AS ${changeColumn}`,
    ...columns.flatMap((column) => [
      `${column.isBefore ? `b.${quoteIdentifier(column.name)}` : nullOf(pair.after, column)} AS ${quoteIdentifier(beforeName(column.name))}`,
      `${column.isAfter ? `a.${quoteIdentifier(column.name)}` : nullOf(pair.before, column)} AS ${quoteIdentifier(afterName(column.name))}`,
    ]),
  ]
  return `SELECT ${selected.join(', ')}
    FROM (${side(pair.before, ({ isBefore }) => isBefore)}) AS b
    FULL JOIN (${side(pair.after, ({ isAfter }) => isAfter)}) AS a ON ${sameKey(key, 'b', 'a')} AND b."@nth" = a."@nth"`
}

function kindOf(shared: readonly PairedColumn[]): string {
  const differences = shared.map(({ name }) => `b.${quoteIdentifier(name)} IS DISTINCT FROM a.${quoteIdentifier(name)}`)
  const changed = differences.length === 0 ? '' : `WHEN ${differences.join(' OR ')} THEN 'changed'`
  return `CASE WHEN b."@nth" IS NULL THEN 'added' WHEN a."@nth" IS NULL THEN 'removed' ${changed} ELSE 'unchanged' END`
}

/** Stands where one side lacks a column, with the type of the side that has it. */
function nullOf({ types }: Side, { name }: PairedColumn): string {
  return `CAST(NULL AS ${types.get(name)})`
}

/** Rows of one side with their number within the key: 1, unless the key is repeated. */
function numbered(
  { source }: Side,
  { key }: Pair,
  columns: readonly PairedColumn[],
  shared: readonly PairedColumn[],
  slice: string,
  hasRepeats: boolean,
): string {
  const rows = `(SELECT ${values([...key, ...columns])} FROM ${source} WHERE ${slice}) AS s`
  if (!hasRepeats) return `SELECT *, 1 AS "@nth" FROM ${rows}`
  const names = (list: readonly PairedColumn[]): string => list.map(({ name }) => `s.${quoteIdentifier(name)}`).join(', ')
  const order = shared.length === 0 ? '' : `ORDER BY ${names(shared)}`
  return `SELECT s.*, 1 AS "@nth" FROM ${rows} ANTI JOIN ${repeated} AS r ON ${sameKey(key, 's', 'r')}
    UNION ALL SELECT s.*, row_number() OVER (PARTITION BY ${names(key)} ${order}) AS "@nth"
    FROM ${rows} SEMI JOIN ${repeated} AS r ON ${sameKey(key, 's', 'r')}`
}

/** NULL in a key is a value like others: credits of the release itself belong to no track. */
function sameKey(key: readonly PairedColumn[], left: string, right: string): string {
  return key
    .map(({ name }) => `${left}.${quoteIdentifier(name)} IS NOT DISTINCT FROM ${right}.${quoteIdentifier(name)}`)
    .join(' AND ')
}

/**
 * Rows without a key, paired by all their values. A row that one side has more often is added or removed as often as the counts differ;
 * the copies that both sides have are unchanged.
 */
function wholeRows({ before, after, key }: Pair, slice: string, { withUnchanged }: { readonly withUnchanged: boolean }): string {
  const kinds = withUnchanged ? ['added', 'removed', 'unchanged'] : ['added', 'removed']
  const names = key.map(({ name }) => quoteIdentifier(name)).join(', ')
  const ofSide = ({ source }: Side, sign: string): string => `SELECT ${values(key)}, ${sign} FROM ${source} WHERE ${slice}`
  const counted = `SELECT ${names}, CAST(sum("@b") AS BIGINT) AS "@b", CAST(sum("@a") AS BIGINT) AS "@a"
    FROM (${ofSide(before, '1 AS "@b", 0 AS "@a"')} UNION ALL ${ofSide(after, '0 AS "@b", 1 AS "@a"')}) GROUP BY ${names}
    HAVING ${withUnchanged ? 'true' : 'sum("@b") <> sum("@a")'}`
  const times = `CASE ${changeColumn} WHEN 'added' THEN greatest("@a" - "@b", 0) WHEN 'removed' THEN greatest("@b" - "@a", 0)
    ELSE least("@a", "@b") END`
  return `SELECT ${names}, ${changeColumn} FROM (
    SELECT ${names}, ${changeColumn}, unnest(range(${times})) AS "@n" FROM (
      SELECT *, unnest([${kinds.map(quoteText).join(', ')}]) AS ${changeColumn} FROM (${counted})))`
}

function values(columns: readonly PairedColumn[]): string {
  return columns
    .map(({ name, castTo }) => {
      const column = quoteIdentifier(name)
      return castTo === null ? column : `CAST(${column} AS ${castTo}) AS ${column}`
    })
    .join(', ')
}

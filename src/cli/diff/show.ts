/** Comparisons as tables for people. */
import type { ChangedRow, DatasetDiff, DetailedDiff, EntityDiff } from '../../history/diff.ts'
import type { SqlRow, SqlValue } from '../../sql/engine.ts'
import { grouped, oneLine, print, styled, table } from '../output.ts'

/** Texts longer than this are cut in samples. */
const shownCharacters = 100
/** A beginning that is shared is left out from this length on, but for its end. */
const leastShared = 16
const leadingCharacters = 8

const marks = { added: ['+', 'green'], removed: ['−', 'red'], changed: ['~', 'yellow'], unchanged: ['=', 'dim'] } as const

/** Records before and after: one has changed when any row of its datasets has. */
export function printRecords(diffs: readonly EntityDiff[]): void {
  if (diffs.length === 0) return
  const rows = diffs.map(({ entity, ...changes }) => {
    const { before, after, added, removed, changed } = changes
    return [entity, ...[before, after, added, removed, changed].map((count) => grouped(Number(count)))]
  })
  print(`${table(['!records', '>before', '>after', '>added', '>removed', '>changed'], rows)}\n`)
}

/** Rows of every dataset before and after. */
export function printCounts(diffs: readonly DatasetDiff[]): void {
  print(
    table(
      ['!dataset', '>before', '>after', '>added', '>removed', '>changed'],
      diffs.map((diff) => [diff.dataset, ...counts(diff)]),
    ),
  )
  for (const { dataset, notes } of diffs) for (const note of notes) print(styled('yellow', `${dataset}: ${note}`))
}

/** One dataset: how many rows, how many values a column, some rows. */
export function printDetail(diff: DetailedDiff): void {
  print(table(['>before', '>after', '>added', '>removed', '>changed'], [counts(diff)]))
  for (const note of diff.notes) print(styled('yellow', `${diff.dataset}: ${note}`))
  if (diff.columns.length > 0) {
    const rows = diff.columns.map(({ column, changed }) => [column, changed === null ? 'not in both' : grouped(Number(changed))])
    print(`\n${table(['!column', '>changed values'], rows)}`)
  }
  if (diff.samples.length > 0) print(`\nsamples\n${rowsTable(diff.samples)}`)
}

/** Rows before and after, a line for each value that differs. */
export function printEntity(rows: readonly ChangedRow[]): void {
  print(rowsTable(rows))
}

function counts({ rowsBefore, rowsAfter, added, removed, changed }: DatasetDiff): string[] {
  return [rowsBefore, rowsAfter, added, removed, changed].map((count) => (count === null ? '–' : grouped(Number(count))))
}

function rowsTable(rows: readonly ChangedRow[]): string {
  return table(['', 'key', 'column', 'before', 'after'], rows.flatMap(linesOf))
}

/** A changed row shows what changed, another one everything it has. */
function linesOf(row: ChangedRow): string[][] {
  const [mark, style] = marks[row.change]
  const names = [...new Set([...Object.keys(row.before ?? {}), ...Object.keys(row.after ?? {})])]
  const shown = names.filter((name) => isShown(row, name))
  const key = Object.values(row.key).map(value).join(' · ')
  return (shown.length === 0 ? [''] : shown).map((name, index) =>
    [index === 0 ? styled(style, mark) : '', index === 0 ? key : '', name].concat(beforeAndAfter(row, name)),
  )
}

function isShown({ change, before, after }: ChangedRow, name: string): boolean {
  const [old, current] = [before?.[name], after?.[name]]
  if (change === 'changed') return old !== undefined && current !== undefined && old !== current
  return (old ?? current ?? null) !== null
}

/** Of long texts that begin alike only what follows is shown: the difference would be cut off. */
function beforeAndAfter({ before, after }: ChangedRow, name: string): readonly [string, string] {
  const [old, current] = [before?.[name], after?.[name]]
  if (typeof old !== 'string' || typeof current !== 'string') return [cell(before, name), cell(after, name)]
  const shared = sharedCharacters(old, current)
  if (shared < leastShared || old === current) return [value(old), value(current)]
  const rest = (text: string): string => value(`…${text.slice(shared - leadingCharacters).replace(/^[\uDC00-\uDFFF]/, '')}`)
  return [rest(old), rest(current)]
}

function sharedCharacters(left: string, right: string): number {
  let shared = 0
  while (shared < left.length && left[shared] === right[shared]) shared += 1
  return shared
}

function cell(row: SqlRow | null, name: string): string {
  const found = row?.[name]
  return found === undefined ? '' : value(found)
}

/** An empty text would look like nothing. */
function value(found: SqlValue): string {
  if (found === null) return styled('dim', 'NULL')
  if (found === '') return "''"
  const text = oneLine(String(found))
  return text.length > shownCharacters
    ? `${text
        .slice(0, shownCharacters - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, '')}…`
    : text
}

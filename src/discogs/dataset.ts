/**
 * The vocabulary of the catalogue: what a dataset is and where each column comes from. Data, not code: every
 * ingest engine, the DDL, the checks and the documentation read the same declarations.
 *
 * Paths are relative to the record or to the row's element: `name`, `@id`, `urls/url`, `.` for the element itself.
 * A star marks steps of which every element counts (`genres/genre*`, then a scalar below it); without it the first one counts.
 */

export type DumpName = 'artists' | 'labels' | 'masters' | 'releases'

export type ColumnType = 'BIGINT' | 'INT' | 'BOOLEAN' | 'VARCHAR'

/** How text becomes a value; whatever does not fit is NULL. */
export type Reader =
  | 'text' // verbatim, NULL when only white space
  | 'id' // ASCII digits, 1 … 2^63−1
  | 'digits' // ASCII digits that fit 64 bits, 0 included
  | 'year' // digits, 0 is NULL
  | 'int' // ASCII digits that fit 32 bits
  | 'boolean' // `true` or `false`
  | 'clock' // [H:]M:S as seconds
  | 'date-year' // parts of YYYY, YYYY-MM, YYYY-MM-DD
  | 'date-month'
  | 'date-day'

/** Where the value of a column comes from. */
export type Source =
  /** The record's own id. */
  | { readonly from: 'record-id' }
  /** A scalar of the record, whatever the row is. */
  | { readonly from: 'record'; readonly path: string; readonly read: Reader }
  /** A scalar of the row's element. */
  | { readonly from: 'row'; readonly path: string; readonly read: Reader }
  /** Ordinal of the row's element, from 1, within its scope and label. */
  | { readonly from: 'position' }
  /** The row's label, see {@link Rows}. */
  | { readonly from: 'label' }
  /** Ordinal, within the record, of the element that encloses the row's. */
  | { readonly from: 'outer-position' }
  /** Sequence number of the row's nested element (a track), or of the one it lies in. */
  | { readonly from: 'sequence' }
  /** Sequence number of the nested element around that one. */
  | { readonly from: 'parent-sequence' }
  /** Values of several elements of the record in one string; NULL members are left out. */
  | { readonly from: 'joined'; readonly path: string; readonly read: 'text' | 'id'; readonly separator: string }
  /** Several elements in one string, each written from its parts. */
  | { readonly from: 'flat'; readonly path: string; readonly parts: readonly FlatPart[]; readonly separator: string }

/** One part of a flat item: `before` goes between it and the parts already written, the wraps go around it. */
export interface FlatPart {
  readonly path: string
  readonly before: string
  readonly open?: string
  readonly close?: string
}

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  readonly meaning: string
  /** One source, or one for each label of the rows; null for a column that SQL computes. */
  readonly source: Source | Readonly<Record<string, Source>> | null
  /** Values this column takes in sound dumps; others are reported, never refused. */
  readonly accepted?: readonly string[]
  /** Largest share of NULLs seen in sound dumps, in percent; more is reported. */
  readonly maxNullPercent?: number
}

/** Which elements of a record become rows. */
export interface Rows {
  /** Path of the row elements by label; `''` labels the only ones. `.` is the record itself. */
  readonly elements: Readonly<Record<string, string>>
  /**
   * - `document`: in the order of their start tags;
   * - `nested`: the elements are the dump's nested ones (tracks) at every depth, in that order too;
   * - `scoped`: those of the record label by label, then those of every nested element, label by label.
   */
  readonly order: 'document' | 'nested' | 'scoped'
}

/** A foreign key: `column` of this dataset names the `to.column` of `to.dataset`. */
export interface Reference {
  readonly column: string
  readonly dataset: string
  readonly references: string
}

export interface Dataset {
  readonly name: string
  readonly kind: 'contract' | 'relationship' | 'warehouse'
  readonly about: string
  /** The dump it is read from, null for a warehouse table. */
  readonly dump: DumpName | null
  /** Null for a warehouse table. */
  readonly rows: Rows | null
  readonly columns: readonly Column[]
  /** Columns that identify a row. */
  readonly key: readonly string[]
  /** True for the four record tables: their key is checked as CRITICAL and they may not be empty. */
  readonly essential: boolean
  readonly references: readonly Reference[]
}

/** One XML file of a month. */
export interface Dump {
  readonly name: DumpName
  readonly root: string
  readonly record: string
  /** Where a record keeps its id: an attribute or a child. */
  readonly idPath: string
  /** Elements that contain themselves at any depth, numbered as they start: the tracks of a release. */
  readonly nested: { readonly path: string; readonly within: string } | null
  readonly datasets: readonly Dataset[]
  /** Paths the dump may have that no column takes on purpose. A trailing `/**` covers everything below. */
  readonly ignored: readonly string[]
}

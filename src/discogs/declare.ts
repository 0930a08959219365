/** Short forms the dump files are written in. */
import type { Column, Dataset, DumpName, FlatPart, Reader, Reference, Rows, Source } from './dataset.ts'

type Extra = Pick<Column, 'accepted' | 'maxNullPercent'>

const typeOf = {
  text: 'VARCHAR',
  id: 'BIGINT',
  digits: 'BIGINT',
  year: 'BIGINT',
  int: 'INT',
  boolean: 'BOOLEAN',
  clock: 'INT',
  'date-year': 'INT',
  'date-month': 'INT',
  'date-day': 'INT',
} as const satisfies Record<Reader, Column['type']>

/** A nullable column read from the row's element. */
export function value(read: Reader, name: string, path: string, meaning: string, extra: Extra = {}): Column {
  return { name, type: typeOf[read], nullable: true, meaning, source: { from: 'row', path, read }, ...extra }
}

export function text(name: string, path: string, meaning: string, extra?: Extra): Column {
  return value('text', name, path, meaning, extra)
}

export function id(name: string, path: string, meaning: string): Column {
  return value('id', name, path, meaning)
}

/** The id of the record that the row belongs to: never NULL. */
export function recordId(name: string, meaning: string): Column {
  return { name, type: 'BIGINT', nullable: false, meaning, source: { from: 'record-id' } }
}

/** The ordinal of the row's element. */
export function position(meaning = 'place in the record, from 1, in document order'): Column {
  return { name: 'position', type: 'INT', nullable: false, meaning, source: { from: 'position' } }
}

/** The label of the row's element. */
export function label(name: string, meaning: string, accepted: readonly string[]): Column {
  return { name, type: 'VARCHAR', nullable: false, meaning, source: { from: 'label' }, accepted }
}

/** A number of nesting: see {@link Source}. */
export function ordinal(
  name: string,
  from: 'outer-position' | 'sequence' | 'parent-sequence',
  nullable: boolean,
  meaning: string,
): Column {
  return { name, type: 'INT', nullable, meaning, source: { from } }
}

/** A column whose source depends on the row's label. */
export function byLabel(name: string, type: Column['type'], sources: Readonly<Record<string, Source>>, meaning: string): Column {
  return { name, type, nullable: true, meaning, source: sources }
}

/** Texts of many elements in one string. */
export function joined(name: string, path: string, meaning: string, separator = ', '): Column {
  return { name, type: 'VARCHAR', nullable: true, meaning, source: { from: 'joined', path, read: 'text', separator } }
}

/** Ids of many elements in one string. */
export function joinedIds(name: string, path: string, meaning: string, separator = ', '): Column {
  return { name, type: 'VARCHAR', nullable: true, meaning, source: { from: 'joined', path, read: 'id', separator } }
}

/** Many elements in one string, each written from several parts. */
export function flat(name: string, path: string, parts: readonly FlatPart[], meaning: string): Column {
  return { name, type: 'VARCHAR', nullable: true, meaning, source: { from: 'flat', path, parts, separator: '; ' } }
}

/** A column that SQL computes. */
export function computed(name: string, type: Column['type'], meaning: string, nullable = false): Column {
  return { name, type, nullable, meaning, source: null }
}

/** Rows from the elements of one path. */
export function each(path: string): Rows {
  return { elements: { '': path }, order: 'document' }
}

/** One row a record. */
export const eachRecord: Rows = each('.')

interface Declaration {
  readonly about: string
  readonly rows: Rows
  readonly columns: readonly Column[]
  readonly key?: readonly string[]
  readonly references?: readonly Reference[]
}

/** A foreign key, see {@link Reference}. */
export function refers(column: string, dataset: string, references: string): Reference {
  return { column, dataset, references }
}

/** One of the tables that existing SQL names; `key` of one column makes it a record table. */
export function contract(dump: DumpName, name: string, declaration: Declaration): Dataset {
  const { key = [], references = [], ...rest } = declaration
  return { name, kind: 'contract', dump, key, references, essential: key.length === 1, ...rest }
}

/** One of the tables with nothing joined into strings. */
export function relationship(dump: DumpName, name: string, declaration: Declaration): Dataset {
  const { key = [], references = [], ...rest } = declaration
  return { name, kind: 'relationship', dump, key, references, essential: false, ...rest }
}

/** A table built by SQL (`sql/build/<name>.sql`) from the others. */
export function warehouse(name: string, declaration: Omit<Declaration, 'rows'>): Dataset {
  const { key = [], references = [], ...rest } = declaration
  return { name, kind: 'warehouse', dump: null, rows: null, key, references, essential: false, ...rest }
}

export const dataQualities = [
  'Needs Vote',
  'Complete and Correct',
  'Correct',
  'Needs Minor Changes',
  'Needs Major Changes',
  'Entirely Incorrect',
  'Entirely Incorrect Edit',
] as const

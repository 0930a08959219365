/**
 * The schemas that a Trino server should have for the lake, made from declarations. Pure; trino-plan.ts compares them with what is there.
 *
 * Every relation of ours ends its comment with a mark, a hash of its definition (columns, location, text). Columns and comments, which the
 * metastore lists cheaply, are then enough to find a relation that differs. The mark does not show where a table lies: somebody may have
 * made one elsewhere with our comment. trino-locations.ts finds those.
 */
import { createHash } from 'node:crypto'
import { quoteIdentifier, quoteText } from './quote.ts'
import type { AliasView } from './run-views.ts'

/** What a table needs to know of a dataset. */
export interface ServedDataset {
  readonly name: string
  readonly about: string
  readonly columns: readonly {
    readonly name: string
    readonly type: 'BIGINT' | 'INT' | 'BOOLEAN' | 'VARCHAR'
    readonly meaning: string
  }[]
}

/** External tables over a directory with a folder for each dataset, and the alias views. */
export interface TablesOver {
  readonly schema: string
  /** URI of the directory, without `/` at its end. */
  readonly location: string
  readonly datasets: readonly ServedDataset[]
  readonly views: readonly AliasView[]
}

/** Views, under the same names, over the tables of another schema. */
export interface ViewsOver {
  readonly schema: string
  readonly of: string
  readonly datasets: readonly ServedDataset[]
  readonly views: readonly AliasView[]
}

export type RelationKind = 'table' | 'view'

export interface WantedRelation {
  readonly name: string
  readonly kind: RelationKind
  /** `name type`, in order, as information_schema tells them. */
  readonly columns: readonly string[]
  /** In the order of the columns. */
  readonly columnComments: readonly string[]
  /** Ends with the mark. */
  readonly comment: string
  /** See the top of the file. */
  readonly mark: string
  readonly create: string
  /** URI of a table's directory, without `/` at its end; null for a view. */
  readonly location: string | null
  /** Text of a view, null for a table. */
  readonly select: string | null
  /** Relations that a view reads, as `schema.name`; none for a table. */
  readonly reads: readonly string[]
}

export interface WantedSchema {
  readonly name: string
  readonly relations: readonly WantedRelation[]
}

const typeNames = { BIGINT: 'bigint', INT: 'integer', BOOLEAN: 'boolean', VARCHAR: 'varchar' } as const

/** The schema over one directory of the lake. */
export function tablesOver({ schema, location, datasets, views }: TablesOver): WantedSchema {
  const tables = datasets.map((dataset) => externalTable(schema, dataset, `${location}/${dataset.name}`))
  return { name: schema, relations: [...tables, ...aliases(views, datasets, schema, schema)] }
}

/** The schema that shows another one's relations. */
export function viewsOver({ schema, of, datasets, views }: ViewsOver): WantedSchema {
  const same = datasets.map((dataset) => view(schema, { name: dataset.name, of: dataset.name, distinct: null }, dataset, of))
  return { name: schema, relations: [...same, ...aliases(views, datasets, schema, of)] }
}

/** The mark at the end of a comment, or null. */
export function markOf(comment: string | null): string | null {
  return /\[dag:([0-9a-f]{16})\]$/.exec(comment ?? '')?.[1] ?? null
}

/** `schema.relation`, quoted. */
export function qualified(schema: string, relation: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`
}

function externalTable(schema: string, { name, about, columns }: ServedDataset, location: string): WantedRelation {
  const lines = columns.map(
    (column) => `  ${quoteIdentifier(column.name)} ${typeNames[column.type]} COMMENT ${quoteText(column.meaning)}`,
  )
  const mark = hashOf(['table', about, ...lines, location])
  const create = [
    `CREATE TABLE ${qualified(schema, name)} (`,
    lines.join(',\n'),
    `)\nCOMMENT ${quoteText(marked(about, mark))}`,
    `WITH (external_location = ${quoteText(location)}, format = 'PARQUET')`,
  ].join('\n')
  return {
    name,
    kind: 'table',
    columns: typedColumns(columns),
    columnComments: columns.map(({ meaning }) => meaning),
    comment: marked(about, mark),
    mark,
    create,
    location,
    select: null,
    reads: [],
  }
}

function aliases(
  views: readonly AliasView[],
  datasets: readonly ServedDataset[],
  schema: string,
  of: string,
): readonly WantedRelation[] {
  return views.flatMap((alias) => {
    const dataset = datasets.find(({ name }) => name === alias.of)
    return dataset === undefined ? [] : [view(schema, alias, dataset, of)]
  })
}

function view(schema: string, { name, of, distinct }: AliasView, dataset: ServedDataset, from: string): WantedRelation {
  const columns = dataset.columns.filter((column) => distinct === null || distinct.includes(column.name))
  const ordered = distinct === null ? columns : distinct.flatMap((one) => columns.filter((column) => column.name === one))
  const names = ordered.map((column) => quoteIdentifier(column.name)).join(', ')
  const select = `SELECT ${distinct === null ? '' : 'DISTINCT '}${names}\nFROM ${qualified(from, of)}`
  return viewAs(schema, { name, about: dataset.about, columns: ordered }, { select, reads: [`${from}.${of}`] })
}

/**
 * A view with a text of its own, which names its columns one by one: Trino fixes the list when the view is made, and refuses the view when
 * a table below has changed.
 */
export function viewAs(
  schema: string,
  { name, about, columns }: ServedDataset,
  { select, reads }: { readonly select: string; readonly reads: readonly string[] },
): WantedRelation {
  const mark = hashOf(['view', about, ...typedColumns(columns), select])
  const create = `CREATE OR REPLACE VIEW ${qualified(schema, name)}\nCOMMENT ${quoteText(marked(about, mark))}\nSECURITY INVOKER AS\n${select}`
  return {
    name,
    kind: 'view',
    columns: typedColumns(columns),
    columnComments: columns.map(({ meaning }) => meaning),
    comment: marked(about, mark),
    mark,
    create,
    location: null,
    select,
    reads,
  }
}

function typedColumns(columns: ServedDataset['columns']): string[] {
  return columns.map(({ name, type }) => `${name} ${typeNames[type]}`)
}

function marked(about: string, mark: string): string {
  return `${about} [dag:${mark}]`
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
}

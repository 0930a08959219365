/**
 * What a Trino server is to know of the lake, and how it comes to know it. Pure: from declarations the wanted schemas, from what was
 * found the statements that lead from one to the other.
 *
 * Every relation of ours ends its comment with a mark, a hash of its definition (columns, comments, location, text): whatever the metastore
 * tells cheaply (columns and comments) is then enough to find a relation that differs, and to tell ours from those of others. Only a
 * table that somebody made elsewhere with our comment looks right: trino-locations.ts finds those.
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
  /** See the top of the file. */
  readonly mark: string
  readonly create: string
}

export interface WantedSchema {
  readonly name: string
  readonly relations: readonly WantedRelation[]
}

export interface FoundRelation {
  readonly kind: RelationKind
  readonly columns: readonly string[]
  /** Null when it was not made by us, or its comment was changed. */
  readonly mark: string | null
}

/** Relations by name; null when there is no such schema. */
export type FoundSchema = ReadonlyMap<string, FoundRelation> | null

export type Action = 'create' | 'replace' | 'drop'

/** One step towards the wanted schema. */
export interface Change {
  readonly schema: string
  /** Null for the schema itself. */
  readonly relation: string | null
  readonly kind: RelationKind | 'schema'
  readonly action: Action
  /** Why, for a person. */
  readonly reason: string
  /** To be run in this order. */
  readonly statements: readonly string[]
}

/** What leads from the found schema to the wanted one. */
export interface SchemaPlan {
  /** To be run one phase after the other; the steps of a phase do not depend on each other. */
  readonly phases: readonly (readonly Change[])[]
  readonly kept: readonly string[]
  /** Relations that are not of ours and in nobody's way: left alone. */
  readonly foreign: readonly string[]
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

/**
 * The statements between a found schema and the wanted one. Nothing that is right already is touched.
 * @param elsewhere where tables lie, by `schema.table`, that are known not to lie where they are to
 */
export function planSchema(
  wanted: WantedSchema,
  found: FoundSchema,
  elsewhere: ReadonlyMap<string, string> = new Map(),
): SchemaPlan {
  const schema = wanted.name
  const changes = wanted.relations.map((relation) =>
    changeOf(schema, relation, found?.get(relation.name), elsewhere.get(`${schema}.${relation.name}`)),
  )
  const ofKind = (kind: RelationKind): Change[] => changes.filter((change) => change !== null && change.kind === kind) as Change[]
  const left = [...(found ?? [])].filter(([name]) => !wanted.relations.some((relation) => relation.name === name))
  const ours = left.filter(([, { mark }]) => mark !== null)
  const creation: Change = {
    schema,
    relation: null,
    kind: 'schema',
    action: 'create',
    reason: 'missing',
    statements: [`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`],
  }
  return {
    phases: [
      found === null ? [creation] : [],
      ours.map(([name, relation]) => dropOf(schema, name, relation)),
      ofKind('table'),
      ofKind('view'),
    ].filter((phase) => phase.length > 0),
    kept: wanted.relations.filter((_, index) => changes[index] === null).map(({ name }) => name),
    foreign: left.filter(([, { mark }]) => mark === null).map(([name]) => name),
  }
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
  return { name, kind: 'table', columns: typedColumns(columns), mark, create }
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

/** Columns are named one by one: Trino fixes the list of a view when it is made, and refuses the view when its table has changed. */
function view(schema: string, { name, of, distinct }: AliasView, dataset: ServedDataset, from: string): WantedRelation {
  const columns = dataset.columns.filter((column) => distinct === null || distinct.includes(column.name))
  const ordered = distinct === null ? columns : distinct.flatMap((one) => columns.filter((column) => column.name === one))
  const names = ordered.map((column) => quoteIdentifier(column.name)).join(', ')
  const select = `SELECT ${distinct === null ? '' : 'DISTINCT '}${names}\nFROM ${qualified(from, of)}`
  const mark = hashOf(['view', dataset.about, ...typedColumns(ordered), select])
  const create = `CREATE OR REPLACE VIEW ${qualified(schema, name)}\nCOMMENT ${quoteText(marked(dataset.about, mark))}\nSECURITY INVOKER AS\n${select}`
  return { name, kind: 'view', columns: typedColumns(ordered), mark, create }
}

function typedColumns(columns: ServedDataset['columns']): string[] {
  return columns.map(({ name, type }) => `${name} ${typeNames[type]}`)
}

function changeOf(
  schema: string,
  wanted: WantedRelation,
  found: FoundRelation | undefined,
  elsewhere: string | undefined,
): Change | null {
  const { name, kind, create } = wanted
  const step = (action: Action, reason: string, statements: readonly string[]): Change => {
    return { schema, relation: name, kind, action, reason, statements }
  }
  if (found === undefined) return step('create', 'missing', [create])
  const reason = difference(wanted, found) ?? (elsewhere === undefined ? null : `it lies at ${elsewhere}`)
  if (reason === null) return null
  // A view is replaced in one step. A table cannot be: for some 20 ms there is none.
  const isReplaceable = kind === 'view' && found.kind === 'view'
  return step('replace', reason, isReplaceable ? [create] : [dropStatement(schema, name, found.kind), create])
}

function difference(wanted: WantedRelation, found: FoundRelation): string | null {
  if (found.kind !== wanted.kind) return `it is a ${found.kind}`
  const missing = wanted.columns.filter((column) => !found.columns.includes(column))
  const extra = found.columns.filter((column) => !wanted.columns.includes(column))
  if (missing.length > 0 || extra.length > 0) {
    return [
      ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
      ...(extra.length > 0 ? [`with ${extra.join(', ')}`] : []),
    ].join(', ')
  }
  if (found.columns.join() !== wanted.columns.join()) return 'its columns have another order'
  if (found.mark === null) return 'it was not made by dag'
  return found.mark === wanted.mark ? null : 'its location, text or comments differ'
}

function dropOf(schema: string, relation: string, { kind }: FoundRelation): Change {
  return {
    schema,
    relation,
    kind,
    action: 'drop',
    reason: 'not wanted any more',
    statements: [dropStatement(schema, relation, kind)],
  }
}

/** The table of an external location: its files stay. */
function dropStatement(schema: string, relation: string, kind: RelationKind): string {
  return `DROP ${kind.toUpperCase()} IF EXISTS ${qualified(schema, relation)}`
}

function marked(about: string, mark: string): string {
  return `${about} [dag:${mark}]`
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
}

/**
 * The statements that lead from the schemas a Trino server has to the wanted ones. Pure.
 *
 * A statement may only take away what can be made again: external tables in this lake's directory, and views that we made. Anything else
 * under one of our names may hold somebody's only copy of rows, so it is a conflict and stays.
 */
import { quoteIdentifier, quoteText } from './quote.ts'
import { qualified, type RelationKind, type WantedRelation, type WantedSchema } from './trino-schema.ts'

export interface FoundRelation {
  readonly kind: RelationKind
  readonly columns: readonly string[]
  /** In the order of the columns; empty where there is none. */
  readonly columnComments: readonly string[]
  readonly comment: string
  /** Null when it was not made by us, or its comment was changed. */
  readonly mark: string | null
}

/** Relations by name; null when there is no such schema. */
export type FoundSchema = ReadonlyMap<string, FoundRelation> | null

/** What was looked up about relations that a plan may take away, by `schema.relation`. */
export interface Evidence {
  /** Where tables lie; null for a managed table, whose rows are the server's own. Tables that nobody looked at are missing. */
  readonly places: ReadonlyMap<string, string | null>
  /** Texts of views without our mark. */
  readonly texts: ReadonlyMap<string, string>
  /** URIs that this lake has or had, without `/` at their end. */
  readonly bases: readonly string[]
}

export type Action = 'create' | 'replace' | 'comment' | 'drop'

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
  /** To be run in this order when every relation is there: a view loses the comments of its columns when it is replaced. */
  readonly comments: readonly string[]
}

/** A relation of somebody else under one of our names. */
export interface Conflict {
  readonly schema: string
  readonly relation: string
  readonly reason: string
  /** It is an external table of dag's in another lake. */
  readonly isOfOtherLake: boolean
}

/** What leads from the found schema to the wanted one. */
export interface SchemaPlan {
  /** To be run one phase after the other; the steps of a phase do not depend on each other. */
  readonly phases: readonly (readonly Change[])[]
  readonly kept: readonly string[]
  /** Relations that are not of ours and in nobody's way: left alone. */
  readonly foreign: readonly string[]
  /** Left alone, too, so the schema is not what it should be. */
  readonly conflicts: readonly Conflict[]
}

/** Null: nothing to do. */
type Verdict = Change | Conflict | null

const nothingKnown: Evidence = { places: new Map(), texts: new Map(), bases: [] }

/**
 * Compares a found schema with the wanted one. Relations that are right already are not touched.
 * @param blocked relations in conflict, as `schema.relation`: no view is made over them
 */
export function planSchema(
  wanted: WantedSchema,
  found: FoundSchema,
  evidence: Evidence = nothingKnown,
  blocked: ReadonlySet<string> = new Set(),
): SchemaPlan {
  const schema = wanted.name
  const verdicts = wanted.relations.map((relation) => {
    const verdict = verdictOn(schema, relation, found?.get(relation.name), evidence)
    const source = relation.reads.find((one) => blocked.has(one))
    const isBlocked = source !== undefined && verdict !== null && isChange(verdict)
    return isBlocked ? conflict(schema, relation.name, `it would read ${source}`) : verdict
  })
  const names = new Set(wanted.relations.map(({ name }) => name))
  const left = [...(found ?? [])].filter(([name]) => !names.has(name))
  const [stale, foreign] = partition(
    left,
    ([name, relation]) => relation.mark !== null && isOurs(schema, name, relation, evidence),
  )
  const changes = verdicts.filter(isChange)
  const creation: Change = {
    schema,
    relation: null,
    kind: 'schema',
    action: 'create',
    reason: 'missing',
    statements: [`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`],
    comments: [],
  }
  return {
    phases: [
      found === null ? [creation] : [],
      stale.map(([name, relation]) => dropOf(schema, name, relation.kind)),
      changes.filter(({ kind }) => kind === 'table'),
      changes.filter(({ kind }) => kind === 'view'),
    ].filter((phase) => phase.length > 0),
    kept: wanted.relations.filter((_, index) => verdicts[index] === null).map(({ name }) => name),
    foreign: foreign.map(([name]) => name),
    conflicts: verdicts.filter(isConflict),
  }
}

/** The plan without comments on columns of views and repairs of comments: they take longer than everything else. */
export function withoutComments(plan: SchemaPlan): SchemaPlan {
  const phases = plan.phases.map((changes) => changes.filter(({ action }) => action !== 'comment').map(uncommented))
  return { ...plan, phases: phases.filter((changes) => changes.length > 0) }
}

function uncommented(change: Change): Change {
  return { ...change, comments: [] }
}

/** A plan that does nothing, because the schema shows another lake. */
export function leftAlone({ name, relations }: WantedSchema, reason: string): SchemaPlan {
  return { phases: [], kept: [], foreign: [], conflicts: relations.map((relation) => conflict(name, relation.name, reason)) }
}

/** Whether a relation may be taken away, as far as it was looked at. */
export function isOurs(schema: string, name: string, { kind, mark }: FoundRelation, { places, bases }: Evidence): boolean {
  if (kind === 'view') return mark !== null
  const place = places.get(`${schema}.${name}`) ?? null
  return place !== null && bases.some((base) => isBelow(place, base))
}

/** Names of relations that have to be looked at before {@link planSchema} may replace or drop them. */
export function suspects(wanted: WantedSchema, found: FoundSchema): readonly string[] {
  const byName = new Map(wanted.relations.map((relation) => [relation.name, relation]))
  return [...(found ?? [])]
    .filter(([name, relation]) => {
      const expected = byName.get(name)
      return expected === undefined ? relation.mark !== null : difference(expected, relation, undefined) !== null
    })
    .map(([name]) => name)
}

export function dropStatement(schema: string, relation: string, kind: RelationKind): string {
  return `DROP ${kind.toUpperCase()} IF EXISTS ${qualified(schema, relation)}`
}

function verdictOn(schema: string, wanted: WantedRelation, found: FoundRelation | undefined, evidence: Evidence): Verdict {
  const { name, kind, create } = wanted
  const step = (action: Action, reason: string, statements: readonly string[], comments: readonly string[] = []): Change => {
    return { schema, relation: name, kind, action, reason, statements, comments }
  }
  // CREATE TABLE brings its comments along.
  const comments = kind === 'view' ? columnComments(schema, wanted, []) : []
  if (found === undefined) return step('create', 'missing', [create], comments)
  const reason = difference(wanted, found, evidence.places.get(`${schema}.${name}`))
  if (reason === null) {
    const repairs = commentRepairs(schema, wanted, found)
    return repairs.length === 0 ? null : step('comment', 'its comments were changed', [], repairs)
  }
  const obstacle = obstacleOf(schema, wanted, found, evidence)
  if (obstacle !== null) return obstacle
  // A view is replaced in one step. A table cannot be: for some 20 ms there is none.
  const isReplaceable = kind === 'view' && found.kind === 'view'
  return step('replace', reason, isReplaceable ? [create] : [dropStatement(schema, name, found.kind), create], comments)
}

/** @param place undefined when nobody looked */
function difference(wanted: WantedRelation, found: FoundRelation, place: string | null | undefined): string | null {
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
  if (found.mark === null) return 'it was not made by dag, or its comment was changed'
  if (found.mark !== wanted.mark) return 'its location, text or comments differ'
  return place === undefined || place === wanted.location ? null : `it lies at ${place ?? 'a place of the server’s own'}`
}

/** Why a relation that differs cannot be replaced; null when it can. */
function obstacleOf(schema: string, wanted: WantedRelation, found: FoundRelation, evidence: Evidence): Conflict | null {
  const { name } = wanted
  if (isOurs(schema, name, found, evidence)) return null
  if (found.kind === 'view') {
    const isSame = sameText(evidence.texts.get(`${schema}.${name}`), wanted.select)
    return isSame ? null : conflict(schema, name, 'it is a view that dag did not make')
  }
  const place = evidence.places.get(`${schema}.${name}`) ?? null
  if (place === null) return conflict(schema, name, 'it is a managed table: its rows would be lost')
  return { ...conflict(schema, name, `it lies at ${place}, outside of this lake`), isOfOtherLake: found.mark !== null }
}

function commentRepairs(schema: string, wanted: WantedRelation, found: FoundRelation): string[] {
  const own = `COMMENT ON ${wanted.kind.toUpperCase()} ${qualified(schema, wanted.name)} IS ${quoteText(wanted.comment)}`
  return [...(found.comment === wanted.comment ? [] : [own]), ...columnComments(schema, wanted, found.columnComments)]
}

/** @param found comments that are there already */
function columnComments(schema: string, wanted: WantedRelation, found: readonly string[]): string[] {
  return wanted.columns.flatMap((column, index) => {
    const comment = wanted.columnComments[index] ?? ''
    if (comment === (found[index] ?? '')) return []
    const name = column.slice(0, column.lastIndexOf(' '))
    return [`COMMENT ON COLUMN ${qualified(schema, wanted.name)}.${quoteIdentifier(name)} IS ${quoteText(comment)}`]
  })
}

function dropOf(schema: string, relation: string, kind: RelationKind): Change {
  const statements = [dropStatement(schema, relation, kind)]
  return { schema, relation, kind, action: 'drop', reason: 'not wanted any more', statements, comments: [] }
}

function conflict(schema: string, relation: string, reason: string): Conflict {
  return { schema, relation, reason, isOfOtherLake: false }
}

function isChange(verdict: Verdict): verdict is Change {
  return verdict !== null && 'action' in verdict
}

function isConflict(verdict: Verdict): verdict is Conflict {
  return verdict !== null && !('action' in verdict)
}

/** The server formats the text of a view: line breaks, blanks and quotes differ. */
function sameText(found: string | undefined, wanted: string | null): boolean {
  const bare = (text: string): string => text.replaceAll(/[\s"]/g, '').toLowerCase()
  return found !== undefined && wanted !== null && bare(found) === bare(wanted)
}

/** `file:` and `local:` are two ways to the same directory. */
function isBelow(place: string, base: string): boolean {
  const path = (uri: string): string => `${uri.replace(/^(?:file|local):\/*/, '/').replace(/\/+$/, '')}/`
  return path(place).startsWith(path(base))
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))]
}

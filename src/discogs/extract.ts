/**
 * Interprets the declarations on a record's elements: the reference mapping from XML to rows. Slow and plain on
 * purpose; a faster engine reads the same declarations and is held against this one.
 */
import type { Element } from '../xml/element.ts'
import type { Column, Dataset, Dump, FlatPart, Source } from './dataset.ts'
import { elementsAt, parsePath, scalarAt, splitAtStar } from './path.ts'
import { readers, type Value } from './readers.ts'

export type Row = readonly (Value | null)[]

/** A record as the row functions see it. */
export interface RecordView {
  readonly id: bigint
  readonly element: Element
  /** Tracks of a release, at every depth, in the order of their start tags. */
  readonly nested: readonly NestedElement[]
}

interface NestedElement {
  readonly element: Element
  readonly sequence: number
  readonly parent: number | null
}

/** One row to be: its element and what numbers it. */
interface RowPlace {
  readonly element: Element
  readonly label: string
  readonly position: number
  readonly outerPosition: number | null
  readonly sequence: number | null
  readonly parent: number | null
}

/** The record's own id, null when it has no valid one. */
export function recordIdOf(dump: Dump, element: Element): bigint | null {
  const text = scalarAt(element, parsePath(dump.idPath))
  const id = text === null ? null : readers.id(text)
  return typeof id === 'bigint' ? id : null
}

export function viewRecord(dump: Dump, element: Element, id: bigint): RecordView {
  return { id, element, nested: dump.nested === null ? [] : nestedElements(element, dump.nested) }
}

function nestedElements(record: Element, nested: NonNullable<Dump['nested']>): NestedElement[] {
  const found: NestedElement[] = []
  const within = parsePath(nested.within).steps
  const visit = (element: Element, parent: number | null): void => {
    const sequence = found.length + 1
    found.push({ element, sequence, parent })
    for (const inner of elementsAt(element, within)) visit(inner, sequence)
  }
  for (const element of elementsAt(record, parsePath(nested.path).steps)) visit(element, null)
  return found
}

/** Compiles a dataset's declaration into the function that gives the rows of one record, in order. */
export function rowsOf(dataset: Dataset): (record: RecordView) => readonly Row[] {
  const places = placesOf(dataset)
  const columns = dataset.columns.map(columnReader)
  return (record) => places(record).map((place) => columns.map((read) => read(record, place)))
}

function placesOf(dataset: Dataset): (record: RecordView) => readonly RowPlace[] {
  const { rows } = dataset
  if (rows === null) throw new Error(`${dataset.name} is not read from XML`)
  const labels = Object.entries(rows.elements).map(([label, path]) => ({ label, steps: parsePath(path).steps }))
  const hasOuter = dataset.columns.some(({ source }) => isSource(source) && source.from === 'outer-position')
  const within = (element: Element, sequence: number | null): RowPlace[] =>
    labels.flatMap(({ label, steps }) => {
      const groups = hasOuter ? elementsAt(element, steps.slice(0, -2)) : [element]
      const below = hasOuter ? steps.slice(-2) : steps
      return groups.flatMap((group, outer) =>
        elementsAt(group, below).map((row, index) => ({
          element: row,
          label,
          position: index + 1,
          outerPosition: hasOuter ? outer + 1 : null,
          sequence,
          parent: null,
        })),
      )
    })
  if (rows.order === 'nested')
    return ({ nested }) => nested.map((one) => ({ ...one, label: '', position: one.sequence, outerPosition: null }))
  if (rows.order === 'scoped') {
    return ({ element, nested }) => [...within(element, null), ...nested.flatMap((one) => within(one.element, one.sequence))]
  }
  return ({ element }) => within(element, null).sort((left, right) => left.element.order - right.element.order)
}

type ColumnReader = (record: RecordView, place: RowPlace) => Value | null

function isSource(source: Column['source']): source is Source {
  return source !== null && typeof source.from === 'string'
}

function columnReader(column: Column): ColumnReader {
  const { source } = column
  if (source === null) throw new Error(`column ${column.name} is computed by SQL`)
  if (isSource(source)) return sourceReader(source)
  const byLabel = new Map(Object.entries(source).map(([label, one]) => [label, sourceReader(one)]))
  return (record, place) => byLabel.get(place.label)?.(record, place) ?? null
}

function sourceReader(source: Source): ColumnReader {
  switch (source.from) {
    case 'record-id':
      return (record) => record.id
    case 'label':
      return (_, place) => place.label
    case 'position':
      return (_, place) => place.position
    case 'outer-position':
      return (_, place) => place.outerPosition
    case 'sequence':
      return (_, place) => place.sequence
    case 'parent-sequence':
      return (_, place) => place.parent
    case 'record':
      return scalarReader(source, (record) => record.element)
    case 'row':
      return scalarReader(source, (_, place) => place.element)
    case 'joined':
      return joinedReader(source)
    case 'flat':
      return flatReader(source)
  }
}

function scalarReader(
  source: Extract<Source, { from: 'record' | 'row' }>,
  base: (record: RecordView, place: RowPlace) => Element,
): ColumnReader {
  const path = parsePath(source.path)
  const read = readers[source.read]
  return (record, place) => {
    const text = scalarAt(base(record, place), path)
    return text === null ? null : read(text)
  }
}

function joinedReader(source: Extract<Source, { from: 'joined' }>): ColumnReader {
  const { elements, scalar } = splitAtStar(source.path)
  const read = readers[source.read]
  return ({ element }) => {
    const members = elementsAt(element, elements).map((one) => {
      const text = scalarAt(one, scalar)
      return text === null ? null : read(text)
    })
    return join(members, source.separator)
  }
}

function flatReader(source: Extract<Source, { from: 'flat' }>): ColumnReader {
  const { elements } = splitAtStar(source.path)
  const parts = source.parts.map((part) => ({ ...part, at: parsePath(part.path) }))
  return ({ element }) =>
    join(
      elementsAt(element, elements).map((one) => flatItem(one, parts)),
      source.separator,
    )
}

/** `role: name`: a missing part goes together with its punctuation. */
function flatItem(element: Element, parts: readonly (FlatPart & { readonly at: ReturnType<typeof parsePath> })[]): string | null {
  let item: string | null = null
  for (const { at, before, open = '', close = '' } of parts) {
    const text = readers.text(scalarAt(element, at) ?? '')
    if (text !== null) item = `${item === null ? '' : item + before}${open}${text}${close}`
  }
  return item
}

function join(members: readonly (Value | null)[], separator: string): string | null {
  const present = members.filter((member) => member !== null)
  return present.length === 0 ? null : present.join(separator)
}

/**
 * The element tree of a dump as its declarations know it: which paths some column takes, which are containers on the
 * way there, which are ignored on purpose. A node that contains itself (a track in a track) points back to itself.
 */
import type { Column, Dump, Source } from './dataset.ts'
import { parsePath } from './path.ts'

/** One element path of a dump. */
export interface ElementNode {
  readonly name: string
  readonly children: Map<string, ElementNode>
  /** Attributes that some column takes. */
  readonly attributes: Set<string>
  /** Whether some column takes its text. */
  takesText: boolean
}

export function elementTree(dump: Dump): ElementNode {
  const root = newNode(dump.record)
  take(root, dump.idPath)
  const nested = dump.nested === null ? null : reach(root, parsePath(dump.nested.path).steps)
  if (nested !== null && dump.nested !== null) {
    const within = parsePath(dump.nested.within).steps
    reach(nested, within.slice(0, -1)).children.set(within.at(-1) ?? '', nested)
  }
  for (const { rows, columns } of dump.datasets) {
    if (rows === null) continue
    const bases = rows.order === 'scoped' && nested !== null ? [root, nested] : [root]
    for (const [label, path] of Object.entries(rows.elements)) {
      for (const base of bases) {
        const row = reach(base, parsePath(path).steps)
        for (const source of sourcesOf(columns, label)) takeSource(root, row, source)
      }
    }
  }
  return root
}

function newNode(name: string): ElementNode {
  return { name, children: new Map(), attributes: new Set(), takesText: false }
}

function reach(from: ElementNode, steps: readonly string[]): ElementNode {
  let node = from
  for (const step of steps) {
    let child = node.children.get(step)
    if (child === undefined) {
      child = newNode(step)
      node.children.set(step, child)
    }
    node = child
  }
  return node
}

function take(from: ElementNode, path: string): void {
  const { steps, attribute } = parsePath(path)
  const node = reach(from, steps)
  if (attribute === null) node.takesText = true
  else node.attributes.add(attribute)
}

function takeSource(root: ElementNode, row: ElementNode, source: Source): void {
  if (source.from === 'row') take(row, source.path)
  else if (source.from === 'record' || source.from === 'joined') take(root, source.path)
  else if (source.from === 'flat') for (const part of source.parts) take(root, `${source.path}/${part.path}`)
}

/** The sources of all columns for rows of one label. */
function sourcesOf(columns: readonly Column[], label: string): Source[] {
  return columns.flatMap(({ source }) => {
    if (source === null) return []
    if (typeof source.from === 'string') return [source]
    const labelled = source[label]
    return labelled === undefined ? [] : [labelled]
  })
}

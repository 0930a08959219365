/** Paths of the declarations, resolved in a record's elements. */
import type { Element } from '../xml/element.ts'

/** Steps to an element, then perhaps an attribute of it. */
export interface Path {
  readonly steps: readonly string[]
  readonly attribute: string | null
}

/** `a/b/@c`, `@c`, `.`; stars are not part of a step's name. */
export function parsePath(path: string): Path {
  const parts = path === '.' ? [] : path.replaceAll('*', '').split('/')
  const last = parts.at(-1)
  if (last?.startsWith('@') !== true) return { steps: parts, attribute: null }
  return { steps: parts.slice(0, -1), attribute: last.slice(1) }
}

/** The elements at `a/b` below `element`, over all containers, in document order. */
export function elementsAt(element: Element, steps: readonly string[]): readonly Element[] {
  let found: readonly Element[] = [element]
  for (const step of steps) found = found.flatMap((one) => one.children.filter((child) => child.name === step))
  return found
}

/** The text or attribute at `path` of the first such element, null where there is none. A scalar that comes twice: the first counts. */
export function scalarAt(element: Element, path: Path): string | null {
  let found: Element | undefined = element
  for (const step of path.steps) found = found?.children.find((child) => child.name === step)
  if (found === undefined) return null
  return path.attribute === null ? found.text : (found.attributes.get(path.attribute) ?? null)
}

/** Splits `a/b*`, `/c` after its last star: the elements that all count, and the scalar below each. */
export function splitAtStar(path: string): { readonly elements: readonly string[]; readonly scalar: Path } {
  const star = path.lastIndexOf('*')
  if (star === -1) throw new Error(`path ${path} has no star`)
  return { elements: parsePath(path.slice(0, star)).steps, scalar: parsePath(path.slice(star + 2) || '.') }
}

/** Counts every element and attribute path of a dump, and tells which of them no column takes. */
import type { Element } from '../xml/element.ts'
import type { SymbolTable } from '../xml/symbols.ts'
import type { Dump } from './dataset.ts'
import { type ElementNode, elementTree } from './element-tree.ts'

export interface CensusLine {
  /** From the root: `releases/release/@id`; `text()` for text where none is expected. */
  readonly path: string
  readonly count: number
  readonly status: 'mapped' | 'ignored' | 'unknown'
}

/** A path that was met. */
interface Met {
  readonly path: string
  readonly node: ElementNode | null
  readonly ignored: boolean
  readonly children: Map<string, Met>
  readonly attributes: Map<string, Counter>
  count: number
  /** Times it had text although no column takes it. */
  strayText: number
}

interface Counter {
  count: number
}

export class Census {
  readonly #dump: Dump
  readonly #top = new Map<string, Met>()
  readonly #byNode = new Map<ElementNode, Met>()
  #strayText = 0

  constructor(dump: Dump) {
    this.#dump = dump
    this.#top.set(dump.record, this.#meet(`${dump.root}/${dump.record}`, elementTree(dump), false))
  }

  /** Counts one child of the root and all below it. */
  count(element: Element): void {
    let met = this.#top.get(element.name)
    if (met === undefined) {
      met = this.#meet(`${this.#dump.root}/${element.name}`, null, false)
      this.#top.set(element.name, met)
    }
    this.#visit(element, met)
  }

  /** Counts text that stands between records. */
  countStrayText(): void {
    this.#strayText++
  }

  /** Everything met, sorted by path. */
  lines(): CensusLine[] {
    const lines: CensusLine[] = []
    const seen = new Set<Met>()
    const collect = (met: Met): void => {
      if (seen.has(met)) return
      seen.add(met)
      const own = statusOf(met.node !== null, met.ignored)
      if (met.count > 0) lines.push({ path: met.path, count: met.count, status: own })
      if (met.strayText > 0)
        lines.push({ path: `${met.path}/text()`, count: met.strayText, status: met.ignored ? 'ignored' : 'unknown' })
      for (const [name, { count }] of met.attributes) {
        const path = `${met.path}/@${name}`
        const status = statusOf(met.node?.attributes.has(name) === true, met.ignored || this.#isIgnored(path))
        lines.push({ path, count, status })
      }
      for (const child of met.children.values()) collect(child)
    }
    for (const met of this.#top.values()) collect(met)
    if (this.#strayText > 0) lines.push({ path: `${this.#dump.root}/text()`, count: this.#strayText, status: 'unknown' })
    return lines.sort(byPath)
  }

  #visit(element: Element, met: Met): void {
    met.count++
    if (met.node?.takesText !== true && /[^ \t\r\n]/.test(element.text)) met.strayText++
    for (const name of element.attributes.keys()) {
      const counter = met.attributes.get(name)
      if (counter === undefined) met.attributes.set(name, { count: 1 })
      else counter.count++
    }
    for (const child of element.children) this.#visit(child, this.#childOf(met, child.name))
  }

  #childOf(met: Met, name: string): Met {
    let child = met.children.get(name)
    if (child === undefined) {
      const node = met.node?.children.get(name) ?? null
      const path = `${met.path}/${name}`
      // An element inside itself (a track in a track) is one path, however deep.
      const known = node === null ? undefined : this.#byNode.get(node)
      child = known ?? this.#meet(path, node, met.ignored || this.#isIgnored(path))
      met.children.set(name, child)
    }
    return child
  }

  #meet(path: string, node: ElementNode | null, ignored: boolean): Met {
    const met = { path, node, ignored, children: new Map(), attributes: new Map(), count: 0, strayText: 0 }
    if (node !== null) this.#byNode.set(node, met)
    return met
  }

  #isIgnored(path: string): boolean {
    return isIgnored(this.#dump, path.slice(`${this.#dump.root}/${this.#dump.record}/`.length))
  }
}

/** Adds up what was counted in several places. */
export class CensusTotals {
  readonly #lines = new Map<string, { status: CensusLine['status']; count: number }>()

  add({ path, count, status }: CensusLine): void {
    const line = this.#lines.get(path)
    if (line === undefined) this.#lines.set(path, { status, count })
    else line.count += count
  }

  /** Everything met, sorted by path. */
  lines(): CensusLine[] {
    return [...this.#lines].map(([path, { status, count }]) => ({ path, count, status })).sort(byPath)
  }
}

/** Adds up what was counted by symbol. */
export class SymbolTotals {
  readonly #paths: SymbolPath[] = []
  readonly #elements: number[] = []
  readonly #strayTexts: number[] = []

  /** @param paths what the symbols stand for that follow those known so far */
  learn(paths: readonly SymbolPath[]): void {
    this.#paths.push(...paths)
  }

  /** @param elements how often each symbol came @param strayTexts how often with text that no column takes */
  add(elements: Int32Array, strayTexts: Int32Array): void {
    for (let symbol = 0; symbol < elements.length; symbol++) {
      this.#elements[symbol] = (this.#elements[symbol] ?? 0) + (elements[symbol] ?? 0)
      this.#strayTexts[symbol] = (this.#strayTexts[symbol] ?? 0) + (strayTexts[symbol] ?? 0)
    }
  }

  lines(): CensusLine[] {
    return this.#elements.flatMap((count, symbol) => {
      const known = this.#paths[symbol]
      if (known === undefined) throw new Error(`nobody said what symbol ${symbol} is`)
      const stray = { path: known.textPath, status: known.textStatus, count: this.#strayTexts[symbol] ?? 0 }
      return [{ path: known.path, status: known.status, count }, stray].filter((line) => line.count > 0)
    })
  }
}

/** A path that a scanner's symbol stands for, and that of text in it which no column takes. */
export interface SymbolPath {
  readonly path: string
  readonly status: CensusLine['status']
  readonly textPath: string
  readonly textStatus: CensusLine['status']
}

/** @param symbols of the dump's element tree; those learnt on the way are `unknown`, or ignored on purpose */
export function symbolPath(dump: Dump, symbols: SymbolTable, symbol: number): SymbolPath {
  const names: string[] = []
  for (let at = symbol; at > 0; at = symbols.ownerOf(at))
    names.unshift(symbols.isAttribute(at) ? `@${symbols.nameOf(at)}` : symbols.nameOf(at))
  const path = `${dump.root}/${names.join('/')}`
  const ignored = isIgnored(dump, names.slice(1).join('/'))
  return {
    path,
    status: statusOf(symbols.isDeclared(symbol), ignored),
    textPath: `${path}/text()`,
    textStatus: ignored ? 'ignored' : 'unknown',
  }
}

function byPath(left: CensusLine, right: CensusLine): number {
  return left.path < right.path ? -1 : 1
}

function statusOf(mapped: boolean, ignored: boolean): CensusLine['status'] {
  if (mapped) return 'mapped'
  return ignored ? 'ignored' : 'unknown'
}

/** @param path below the record. What lies in an ignored element is ignored, and so are its attributes. */
function isIgnored(dump: Dump, path: string): boolean {
  return patternsOf(dump).some((pattern) => pattern.test(path))
}

/** A damaged dump has thousands of paths: patterns are compiled once. */
const compiled = new WeakMap<Dump, readonly RegExp[]>()

function patternsOf(dump: Dump): readonly RegExp[] {
  const patterns = compiled.get(dump) ?? dump.ignored.map(patternOf)
  compiled.set(dump, patterns)
  return patterns
}

/** `images`, as `images/**`, covers images and below; `**` before a name, any depth. */
function patternOf(pattern: string): RegExp {
  const path = pattern.replace(/\/\*\*$/, '')
  return path.startsWith('**/') ? new RegExp(`(^|/)${path.slice(3)}(/|$)`) : new RegExp(`^${path}(/|$)`)
}

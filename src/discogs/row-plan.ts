/**
 * Compiles a dump's declarations for the scanner's symbols: which element is a row of which dataset, which value goes into
 * which column. Plain data; `row-program.ts` writes it down for the kernel, which carries it out.
 *
 * A **scope** is an element that counts by instance: a record, a row, a member of a joined string, a track. Its scalars are its
 * own text and attributes, and those of its children; they are kept by symbol until the scope ends.
 */
import type { ElementTree, SymbolTable } from '../xml/symbols.ts'
import type { Column, Dataset, Dump, FlatPart, Reader, Source } from './dataset.ts'
import { elementTree } from './element-tree.ts'
import { parsePath, splitAtStar } from './path.ts'

/** What a step does, as the kernel numbers it (`Op` in `src/kernel/assembly/program.ts`). */
export const op = {
  text: 0,
  id: 1,
  digits: 2,
  int: 3,
  boolean: 4,
  clock: 5,
  dateYear: 6,
  dateMonth: 7,
  dateDay: 8,
  /** A text of the record, wanted before the record has ended. */
  recordText: 9,
  /** The record's id, likewise. */
  recordId: 10,
  label: 11,
  /** The ordinal of a scope. */
  position: 12,
  sequence: 13,
  parentSequence: 14,
} as const

/** How a column gets its value. */
export interface Step {
  readonly op: (typeof op)[keyof typeof op]
  /** Counted over the columns of all datasets, as are all below. */
  readonly column: number
  /** Of the scalar, where it is one. */
  readonly symbol: number
  /** Index of the scope whose ordinal a position is. */
  readonly scope: number
  /** The label. */
  readonly text: Uint8Array
}

/** One row of a dataset for each instance of a scope. */
export interface RowStep {
  readonly dataset: number
  /** Where the rows must come in the order of their scopes: the place of the label among the dataset's labels. */
  readonly rank: number | null
  readonly steps: readonly Step[]
}

/** What an instance of a scope adds to a string of its record. */
export interface JoinStep {
  readonly column: number
  readonly dataset: number
  readonly separator: Uint8Array
  readonly read: 'text' | 'id' | 'flat'
  readonly parts: readonly JoinPart[]
}

export interface JoinPart {
  readonly symbol: number
  readonly before: Uint8Array
  readonly open: Uint8Array
  readonly close: Uint8Array
}

export interface Scope {
  readonly symbol: number
  readonly isNested: boolean
  /** Symbols of its scalars. */
  readonly scalars: number[]
  /** Scopes whose ordinals start again with each instance of this one. */
  readonly restarts: number[]
  readonly rows: RowStep[]
  readonly joins: JoinStep[]
}

export interface RowPlan {
  readonly scopes: readonly Scope[]
  /** By symbol: index of the scope, -1 for none. */
  readonly scopeOf: Int16Array
  /** By symbol: 1 when its value is a scalar of some scope. */
  readonly isScalar: Uint8Array
  readonly idSymbol: number
  /** The columns that hold the record's id in every row. */
  readonly idColumns: readonly { readonly dataset: number; readonly column: number }[]
  /** By dataset: a number for each of its labels; 0 where the order of labels is free. */
  readonly ranks: readonly number[]
  /** By dataset: its first column; one more number ends the last. */
  readonly firstColumns: readonly number[]
}

/** The tree to make a scanner's symbols from. */
export function symbolTree(dump: Dump): ElementTree {
  return elementTree(dump)
}

/** @throws Error for a declaration that asks for more than this engine can do */
export function rowPlan(dump: Dump, symbols: SymbolTable): RowPlan {
  return new Compiler(dump, symbols).compile()
}

/** @throws Error when the declarations ask for what the compiler does not know; they are static, so any test finds that */
class Compiler {
  readonly #dump: Dump
  readonly #symbols: SymbolTable
  readonly #firstColumns: readonly number[]
  readonly #scopes: Scope[] = []
  readonly #scopeOf: Int16Array
  readonly #isScalar: Uint8Array
  readonly #record: number
  readonly #nested: number | null

  constructor(dump: Dump, symbols: SymbolTable) {
    this.#dump = dump
    this.#symbols = symbols
    this.#firstColumns = firstColumns(dump)
    this.#scopeOf = new Int16Array(symbols.size).fill(-1)
    this.#isScalar = new Uint8Array(symbols.size)
    this.#record = symbols.element(0, dump.record)
    this.#nested = dump.nested === null ? null : this.#at(this.#record, parsePath(dump.nested.path).steps)
  }

  compile(): RowPlan {
    this.#scope(this.#record)
    if (this.#nested !== null) this.#scope(this.#nested)
    const idSymbol = this.#scalar(this.#record, this.#dump.idPath)
    for (const [index, dataset] of this.#dump.datasets.entries()) this.#dataset(index, dataset)
    return {
      scopes: this.#scopes,
      scopeOf: this.#scopeOf,
      isScalar: this.#isScalar,
      idSymbol,
      idColumns: this.#dump.datasets.flatMap((dataset, index) => this.#idColumns(index, dataset)),
      ranks: this.#dump.datasets.map(({ rows }) => (rows?.order === 'scoped' ? Object.keys(rows.elements).length : 0)),
      firstColumns: this.#firstColumns,
    }
  }

  #idColumns(index: number, dataset: Dataset): RowPlan['idColumns'] {
    return dataset.columns.flatMap(({ source }, at) =>
      isSource(source) && source.from === 'record-id' ? [{ dataset: index, column: this.#column(index, at) }] : [],
    )
  }

  #column(dataset: number, column: number): number {
    return (this.#firstColumns[dataset] ?? 0) + column
  }

  #dataset(index: number, dataset: Dataset): void {
    const { rows } = dataset
    if (rows === null) throw new Error(`${dataset.name} is not read from XML`)
    for (const [rank, [label, path]] of Object.entries(rows.elements).entries()) {
      for (const base of this.#bases(rows.order)) {
        const symbol = this.#at(base, parsePath(path).steps)
        const scope = this.#scope(symbol)
        if (base === this.#nested) this.#scopeAt(this.#nested).restarts.push(this.#indexOf(symbol))
        const steps = dataset.columns.flatMap((column, at) => this.#step(index, { column, at, label, base, symbol }))
        scope.rows.push({ dataset: index, rank: rows.order === 'scoped' ? rank : null, steps })
      }
    }
    for (const [at, { source }] of dataset.columns.entries()) if (isSource(source)) this.#join(index, at, source)
  }

  #bases(order: 'document' | 'nested' | 'scoped'): number[] {
    return order === 'scoped' && this.#nested !== null ? [this.#record, this.#nested] : [this.#record]
  }

  #step(
    dataset: number,
    row: { readonly column: Column; readonly at: number; readonly label: string; readonly base: number; readonly symbol: number },
  ): Step[] {
    const { source } = row.column
    const own = isSource(source) ? source : (source?.[row.label] ?? null)
    if (own === null) return []
    const column = this.#column(dataset, row.at)
    switch (own.from) {
      case 'record-id':
        return isSource(source) ? [] : [step(op.recordId, column)]
      case 'record':
        if (row.symbol === this.#record) return [this.#value(row.symbol, column, own)]
        if (own.read !== 'text') throw new Error(`column ${row.column.name}: only texts of the record are known in other rows`)
        return [step(op.recordText, column, { symbol: this.#scalar(this.#record, own.path) })]
      case 'row':
        return [this.#value(row.symbol, column, own)]
      case 'label':
        return [step(op.label, column, { text: bytesOf(row.label) })]
      case 'position':
        return [step(op.position, column, { scope: this.#indexOf(row.symbol) })]
      case 'outer-position':
        return [step(op.position, column, { scope: this.#outerOf(row.symbol) })]
      case 'sequence':
        return row.base === this.#record && row.symbol !== this.#nested ? [] : [step(op.sequence, column)]
      case 'parent-sequence':
        return [step(op.parentSequence, column)]
      case 'joined':
      case 'flat':
        return []
    }
  }

  #value(scope: number, column: number, { path, read }: Extract<Source, { from: 'row' | 'record' }>): Step {
    return step(opOf[read], column, { symbol: this.#scalar(scope, path) })
  }

  /** The scope two steps up (a format, of its descriptions), whose instances the row's ordinals start again with. */
  #outerOf(symbol: number): number {
    const outer = this.#symbols.ownerOf(this.#symbols.ownerOf(symbol))
    const { restarts } = this.#scope(outer)
    restarts.push(this.#indexOf(symbol))
    return this.#indexOf(outer)
  }

  #join(dataset: number, at: number, source: Source): void {
    if (source.from !== 'joined' && source.from !== 'flat') return
    const column = this.#column(dataset, at)
    const separator = bytesOf(source.separator)
    if (source.from === 'joined') {
      const { elements, scalar } = splitAtStar(source.path)
      const symbol = this.#at(this.#record, elements)
      const path = [...scalar.steps, ...(scalar.attribute === null ? [] : [`@${scalar.attribute}`])].join('/')
      const part = this.#part(symbol, { path: path === '' ? '.' : path, before: '' })
      this.#scope(symbol).joins.push({ column, dataset, separator, read: source.read, parts: [part] })
      return
    }
    const symbol = this.#at(this.#record, splitAtStar(source.path).elements)
    const parts = source.parts.map((part) => this.#part(symbol, part))
    this.#scope(symbol).joins.push({ column, dataset, separator, read: 'flat', parts })
  }

  #part(scope: number, { path, before, open = '', close = '' }: FlatPart): JoinPart {
    return { symbol: this.#scalar(scope, path), before: bytesOf(before), open: bytesOf(open), close: bytesOf(close) }
  }

  #at(from: number, steps: readonly string[]): number {
    return steps.reduce((symbol, step) => this.#known(this.#symbols.element(symbol, step), step), from)
  }

  /** The symbol of a scalar of a scope: its own text or attribute, or those of a child. */
  #scalar(scope: number, path: string): number {
    const { steps, attribute } = parsePath(path)
    if (steps.length > 1) throw new Error(`path ${path}: a scalar lies in its row's element or in a child of that`)
    const element = this.#at(scope, steps)
    const symbol = attribute === null ? element : this.#known(this.#symbols.attribute(element, attribute), attribute)
    // A child's text is kept too, wanted or not: it tells whether such a child has come before.
    if (element !== scope) this.#keep(scope, element)
    this.#keep(scope, symbol)
    return symbol
  }

  #keep(scope: number, symbol: number): void {
    const { scalars } = this.#scope(scope)
    if (!scalars.includes(symbol)) scalars.push(symbol)
    this.#isScalar[symbol] = 1
  }

  #known(symbol: number, name: string): number {
    if (symbol < 0) throw new Error(`${this.#dump.name}: ${name} is not among the declared paths`)
    return symbol
  }

  #scope(symbol: number): Scope {
    if (this.#scopeOf[symbol] === -1) {
      this.#scopeOf[symbol] = this.#scopes.length
      const isNested = symbol === this.#nested
      this.#scopes.push({ symbol, isNested, scalars: [], restarts: [], rows: [], joins: [] })
    }
    return this.#scopeAt(symbol)
  }

  #scopeAt(symbol: number): Scope {
    const scope = this.#scopes[this.#indexOf(symbol)]
    if (scope === undefined) throw new Error(`symbol ${symbol} is no scope`)
    return scope
  }

  #indexOf(symbol: number): number {
    return this.#scopeOf[symbol] ?? -1
  }
}

const opOf: Readonly<Record<Reader, Step['op']>> = {
  text: op.text,
  id: op.id,
  digits: op.digits,
  year: op.id,
  int: op.int,
  boolean: op.boolean,
  clock: op.clock,
  'date-year': op.dateYear,
  'date-month': op.dateMonth,
  'date-day': op.dateDay,
}

function firstColumns({ datasets }: Dump): number[] {
  const first = [0]
  for (const { columns } of datasets) first.push((first.at(-1) ?? 0) + columns.length)
  return first
}

const noText = new Uint8Array(0)

function step(code: Step['op'], column: number, what: Partial<Pick<Step, 'symbol' | 'scope' | 'text'>> = {}): Step {
  return { op: code, column, symbol: what.symbol ?? 0, scope: what.scope ?? 0, text: what.text ?? noText }
}

function isSource(source: Column['source']): source is Source {
  return source !== null && typeof source.from === 'string'
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text)
}

/**
 * What the row mapper carries out: the plan of `src/discogs/row-plan.ts`, written down as numbers by `src/discogs/row-program.ts`,
 * which knows the order of these fields. All are 32 bits; lists are an address and a count.
 */

/** What a step does. */
export namespace Op {
  export const text: i32 = 0
  export const id: i32 = 1
  export const digits: i32 = 2
  export const int: i32 = 3
  export const boolean: i32 = 4
  export const clock: i32 = 5
  export const dateYear: i32 = 6
  export const dateMonth: i32 = 7
  export const dateDay: i32 = 8
  /** A text of the record, wanted before the record has ended. */
  export const recordText: i32 = 9
  /** The record's id, likewise. */
  export const recordId: i32 = 10
  export const label: i32 = 11
  /** The ordinal of a scope. */
  export const position: i32 = 12
  export const sequence: i32 = 13
  export const parentSequence: i32 = 14
}

@unmanaged
export class Program {
  scopes: u32
  scopeCount: i32
  /** By declared symbol: index of its scope, -1 for none. */
  scopeOf: u32
  /** By declared symbol: {@link isScalar}, {@link isScope}, both or nothing. */
  actions: u32
  symbolCount: i32
  idSymbol: i32
  /** Pairs of dataset and column: those that hold the record's id in every row. */
  idColumns: u32
  idColumnCount: i32
  /** By dataset: how many labels its rows may have, 0 where their order is free. */
  ranks: u32
  /** By dataset: its first column; one more number ends the last. */
  firstColumns: u32
  datasetCount: i32
  columnCount: i32
}

export const isScalar: u32 = 1
export const isScope: u32 = 2

/** An element that counts by instance: a record, a row, a member of a joined string, a track. */
@unmanaged
export class Scope {
  isNested: i32
  /** Symbols of the values that are kept until it ends. */
  scalars: u32
  scalarCount: i32
  /** Scopes whose ordinals start again with each instance of this one. */
  restarts: u32
  restartCount: i32
  rows: u32
  rowCount: i32
  joins: u32
  joinCount: i32
}

/** One row of a dataset for each instance of a scope. */
@unmanaged
export class RowStep {
  dataset: i32
  /** Where rows must come in the order of their scopes: the place of the label among the dataset's labels; -1 elsewhere. */
  rank: i32
  steps: u32
  stepCount: i32
}

/** How a column gets its value. */
@unmanaged
export class Step {
  op: i32
  column: i32
  /** Of the scalar, where it is one. */
  symbol: i32
  /** Whose ordinal a position is. */
  scope: i32
  /** The label. */
  text: u32
  textBytes: u32
}

/** What an instance of a scope adds to a string of its record. */
@unmanaged
export class Join {
  column: i32
  dataset: i32
  separator: u32
  separatorBytes: u32
  read: i32
  parts: u32
  partCount: i32
}

export const readText: i32 = 0
export const readId: i32 = 1
export const readFlat: i32 = 2

@unmanaged
export class Part {
  symbol: i32
  before: u32
  beforeBytes: u32
  open: u32
  openBytes: u32
  close: u32
  closeBytes: u32
}

/** An entry of a list. */
// @ts-ignore: decorator
@inline
export function entry<T>(list: u32, index: i32): T {
  return changetype<T>((list as usize) + (index as usize) * (offsetof<T>() as usize))
}

/** A number of a list of numbers. */
// @ts-ignore: decorator
@inline
export function number(list: u32, index: i32): i32 {
  return load<i32>((list as usize) + 4 * (index as usize))
}

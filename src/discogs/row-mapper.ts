/**
 * Carries out a row plan: turns the tape of a scanned record into values in column buffers. Whatever the plan cannot do in one
 * pass (a scalar that comes twice, credits in another order than their rows, a track's title behind its sub-tracks) gives the
 * record up: everything of it is undone, and the reference mapping (`extract.ts`) takes it.
 *
 * Hot: one step a token and a value. Scalars are kept by symbol as where they lie in the input, and copied once, into their column.
 */
import type { AnyColumn, BooleanColumn, IntColumn, LongColumn, TextColumn } from '../parquet/columns.ts'
import type { TokenKinds } from '../xml/record-scanner.ts'
import type { Unescaper } from '../xml/unescape.ts'
import { boolean, clock, datePart, digits, int, isBlank, longDigits, noNumber } from './byte-readers.ts'
import { type JoinPart, type JoinStep, op, type RowPlan, type RowStep, type Scope, type Step } from './row-plan.ts'

const open: TokenKinds['open'] = 1
const attribute: TokenKinds['attribute'] = 2
const close: TokenKinds['close'] = 3
const escaped: TokenKinds['escaped'] = 4

/** In place of where a scalar starts: it has not come yet; it must not come any more, since its row is written. */
const unset = -1
const tooLate = -2

const maxNesting = 256

type Op = typeof op

const isScalar = 1
const isScope = 2

/** The buffers of one dataset while rows are put into them. */
export interface DatasetRows {
  readonly columns: readonly AnyColumn[]
  rows: number
}

/** The id of the record mapped last, when it is too large for a number. */
type RecordId = number | bigint

export class RowMapper {
  readonly #plan: RowPlan
  readonly #unescaper: Unescaper
  readonly #datasets: readonly DatasetRows[]
  /** By symbol: how often it came, and how often with text that no column takes. */
  readonly counts: Int32Array
  readonly strayTexts: Int32Array
  /** Symbols with such text in the record at hand. */
  readonly #strays: number[] = []
  /** By symbol: {@link isScalar}, {@link isScope}, both or nothing. */
  readonly #actions: Uint8Array
  /** By symbol: where the scalar starts; where it ends, complemented when it waits for decoding. */
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  /** By scope. */
  readonly #ordinals: Int32Array
  readonly #firstRows: Int32Array
  readonly #lastRanks: Int32Array
  /** Of the tracks that are open, innermost last: their numbers, and whether their rows are written. */
  readonly #sequences = new Int32Array(maxNesting)
  readonly #written = new Uint8Array(maxNesting)
  #nesting = 0
  #lastSequence = 0
  #input: Uint8Array = new Uint8Array(0)
  // The value looked at last: see #load.
  #bytes: Uint8Array = this.#input
  #from = 0
  #to = 0

  /** @param symbols how many there can be */
  constructor(plan: RowPlan, datasets: readonly DatasetRows[], unescaper: Unescaper, symbols: number) {
    this.#plan = plan
    this.#datasets = datasets
    this.#unescaper = unescaper
    this.#actions = new Uint8Array(symbols)
    for (const [symbol, scope] of plan.scopeOf.entries())
      this.#actions[symbol] = (plan.isScalar[symbol] === 1 ? isScalar : 0) | (scope >= 0 ? isScope : 0)
    this.counts = new Int32Array(symbols)
    this.strayTexts = new Int32Array(symbols)
    this.#starts = new Int32Array(plan.scopeOf.length).fill(unset)
    this.#ends = new Int32Array(plan.scopeOf.length)
    this.#ordinals = new Int32Array(plan.scopes.length)
    this.#firstRows = new Int32Array(datasets.length)
    this.#lastRanks = new Int32Array(datasets.length)
  }

  /**
   * Appends the rows of a record.
   * @param tape of {@link length} numbers, about `input`
   * @returns false when the record is not for this mapper; nothing is changed then
   */
  append(tape: Int32Array, length: number, input: Uint8Array): boolean {
    this.#input = input
    for (let index = 0; index < this.#datasets.length; index++)
      this.#firstRows[index] = (this.#datasets[index] as DatasetRows).rows
    const end = this.#walk(tape, length)
    const id = end < 0 ? this.#recordId() : null
    if (id !== null) this.#finish(id)
    else this.#undo(tape, end < 0 ? length : end)
    this.#starts.fill(unset)
    this.#ordinals.fill(0)
    this.#lastRanks.fill(0)
    this.#strays.length = 0
    this.#nesting = 0
    this.#lastSequence = 0
    return id !== null
  }

  /** @returns -1, or how far it went before it gave up */
  #walk(tape: Int32Array, length: number): number {
    const counts = this.counts
    const actions = this.#actions
    const starts = this.#starts
    const ends = this.#ends
    for (let at = 0; at < length; at += 3) {
      const token = tape[at] ?? 0
      const symbol = token >>> 3
      const kind = token & 3
      const action = actions[symbol] ?? 0
      if (action === isScalar && kind !== open) {
        if (kind !== close) counts[symbol] = (counts[symbol] ?? 0) + 1
        if (starts[symbol] !== unset) return at + 3
        starts[symbol] = tape[at + 1] ?? 0
        ends[symbol] = (token & escaped) === 0 ? (tape[at + 2] ?? 0) : ~(tape[at + 2] ?? 0)
        continue
      }
      if (kind !== close) {
        counts[symbol] = (counts[symbol] ?? 0) + 1
        if ((action & isScope) !== 0 && !this.#open(symbol)) return at + 3
        if (kind === open) continue
      }
      const start = tape[at + 1] ?? 0
      const end = tape[at + 2] ?? 0
      if ((action & isScalar) !== 0) {
        if (starts[symbol] !== unset) return at + 3
        starts[symbol] = start
        ends[symbol] = (token & escaped) === 0 ? end : ~end
      } else if (start !== end && kind !== attribute && !this.#countStray(symbol, start, end)) return at + 3
      if ((action & isScope) !== 0 && !this.#close(symbol)) return at + 3
    }
    return -1
  }

  /** Counts text that no column takes. @returns false when references must be decoded to tell whether it is any */
  #countStray(symbol: number, start: number, end: number): boolean {
    if (isBlank(this.#input, start, end)) return true
    for (let at = start; at < end; at++) {
      const byte = this.#input[at] ?? 0
      if (byte === 0x26) return false
      if (!isBlank(this.#input, at, at + 1)) break
    }
    this.#strays.push(symbol)
    return true
  }

  #open(symbol: number): boolean {
    const index = this.#plan.scopeOf[symbol] ?? 0
    const scope = this.#scopeAt(index)
    this.#ordinals[index] = (this.#ordinals[index] ?? 0) + 1
    for (const other of scope.restarts) this.#ordinals[other] = 0
    if (!scope.isNested) return true
    if (this.#nesting === maxNesting) return false
    // The row of the track around this one comes first.
    if (this.#nesting > 0 && this.#written[this.#nesting - 1] === 0) {
      if (!this.#putRows(scope)) return false
      this.#written[this.#nesting - 1] = 1
    }
    this.#forget(scope, unset)
    this.#written[this.#nesting] = 0
    this.#sequences[this.#nesting++] = ++this.#lastSequence
    return true
  }

  #close(symbol: number): boolean {
    const index = this.#plan.scopeOf[symbol] ?? 0
    const scope = this.#scopeAt(index)
    if (!scope.isNested) {
      if (!this.#putRows(scope)) return false
      for (const join of scope.joins) this.#join(join)
      // The record's scalars are needed once more, for its id.
      if (index !== 0) this.#forget(scope, unset)
      return true
    }
    if (this.#written[this.#nesting - 1] === 0 && !this.#putRows(scope)) return false
    this.#nesting--
    this.#forget(scope, this.#nesting > 0 ? tooLate : unset)
    return true
  }

  #scopeAt(index: number): Scope {
    return this.#plan.scopes[index] as Scope
  }

  #forget({ scalars }: Scope, mark: typeof unset | typeof tooLate): void {
    for (const symbol of scalars) this.#starts[symbol] = mark
  }

  #putRows({ rows }: Scope): boolean {
    for (const row of rows) if (!this.#putRow(row)) return false
    return true
  }

  #putRow({ dataset, rank, steps }: RowStep): boolean {
    if (rank !== null && !this.#isInOrder(dataset, rank)) return false
    const rows = this.#datasets[dataset] as DatasetRows
    const row = rows.rows++
    for (let at = 0; at < steps.length; at++) if (!this.#putValue(row, steps[at] as Step)) return false
    return true
  }

  #isInOrder(dataset: number, label: number): boolean {
    const sequence = this.#nesting === 0 ? 0 : (this.#sequences[this.#nesting - 1] ?? 0)
    const rank = sequence * (this.#plan.ranks[dataset] ?? 0) + label
    if (rank < (this.#lastRanks[dataset] ?? 0)) return false
    this.#lastRanks[dataset] = rank
    return true
  }

  /** Puts the value of one column into its row. @returns false when it is not known yet */
  #putValue(row: number, step: Step): boolean {
    // Literal numbers: V8 makes a jump table of them.
    switch (step.op) {
      case 0 satisfies Op['text']: {
        const { symbol } = step
        if (this.#isPlain(symbol))
          (step.column as TextColumn).put(row, this.#input, this.#starts[symbol] ?? 0, this.#ends[symbol] ?? 0)
        else this.#putText(row, step.column as TextColumn, symbol)
        return true
      }
      case 1 satisfies Op['id']:
      case 2 satisfies Op['digits']:
        if (this.#load(step.symbol)) this.#putDigits(row, step.column as LongColumn, step.op === op.id)
        return true
      case 3 satisfies Op['int']:
        if (this.#load(step.symbol)) putInt(row, step.column, int(this.#bytes, this.#from, this.#to))
        return true
      case 5 satisfies Op['clock']:
        if (this.#load(step.symbol)) putInt(row, step.column, clock(this.#bytes, this.#from, this.#to))
        return true
      case 6 satisfies Op['dateYear']:
      case 7 satisfies Op['dateMonth']:
      case 8 satisfies Op['dateDay']: {
        const part = step.op === op.dateYear ? 1 : step.op === op.dateMonth ? 2 : 3
        if (this.#load(step.symbol)) putInt(row, step.column, datePart(this.#bytes, this.#from, this.#to, part))
        return true
      }
      case 4 satisfies Op['boolean']: {
        const value = this.#load(step.symbol) ? boolean(this.#bytes, this.#from, this.#to) : noNumber
        if (value !== noNumber) (step.column as BooleanColumn).put(row, value === 1)
        return true
      }
      case 12 satisfies Op['position']:
        ;(step.column as IntColumn).put(row, this.#ordinals[step.scope] ?? 0)
        return true
      case 13 satisfies Op['sequence']:
        ;(step.column as IntColumn).put(row, this.#sequences[this.#nesting - 1] ?? 0)
        return true
      case 14 satisfies Op['parentSequence']:
        if (this.#nesting > 1) (step.column as IntColumn).put(row, this.#sequences[this.#nesting - 2] ?? 0)
        return true
      case 11 satisfies Op['label']:
        ;(step.column as TextColumn).put(row, step.text, 0, step.text.length)
        return true
      case 9 satisfies Op['recordText']:
        if (this.#starts[step.symbol] === unset) this.#starts[step.symbol] = tooLate
        else this.#putText(row, step.column as TextColumn, step.symbol)
        return true
      case 10 satisfies Op['recordId']: {
        const id = this.#recordId()
        if (typeof id === 'number') (step.column as LongColumn).put(row, id)
        else if (id !== null) (step.column as LongColumn).putBig(row, id)
        return id !== null
      }
    }
  }

  /** Makes a scalar the value looked at, decoded. @returns false when there is none */
  #load(symbol: number): boolean {
    const start = this.#starts[symbol] ?? unset
    if (start < 0) return false
    const end = this.#ends[symbol] ?? 0
    if (end >= 0) {
      this.#bytes = this.#input
      this.#from = start
      this.#to = end
    } else {
      this.#to = this.#unescaper.decode(this.#input, start, ~end)
      this.#bytes = this.#unescaper.bytes
      this.#from = 0
    }
    return true
  }

  #putText(row: number, column: TextColumn, symbol: number): void {
    if (this.#load(symbol) && !isBlank(this.#bytes, this.#from, this.#to)) column.put(row, this.#bytes, this.#from, this.#to)
  }

  #putDigits(row: number, column: LongColumn, isId: boolean): void {
    const value = digits(this.#bytes, this.#from, this.#to)
    if (value > 0 || (value === 0 && !isId)) column.put(row, value)
    else if (Number.isNaN(value)) {
      const long = longDigits(this.#bytes, this.#from, this.#to)
      if (long !== null && !(isId && long === 0n)) column.putBig(row, long)
    }
  }

  #recordId(): RecordId | null {
    if (!this.#load(this.#plan.idSymbol)) return null
    const value = digits(this.#bytes, this.#from, this.#to)
    if (value > 0) return value
    const long = Number.isNaN(value) ? longDigits(this.#bytes, this.#from, this.#to) : null
    return long === 0n ? null : long
  }

  #finish(id: RecordId): void {
    for (const symbol of this.#strays) this.strayTexts[symbol] = (this.strayTexts[symbol] ?? 0) + 1
    for (const { dataset, column } of this.#plan.idColumns) {
      const first = this.#firstRows[dataset] ?? 0
      const end = (this.#datasets[dataset] as DatasetRows).rows
      if (typeof id === 'number') (column as LongColumn).putRun(first, end, id)
      else (column as LongColumn).putBigRun(first, end, id)
    }
  }

  #join({ column, dataset, separator, read, parts }: JoinStep): void {
    const text = column as TextColumn
    const row = this.#firstRows[dataset] ?? 0
    if (read === 'flat') {
      this.#joinParts(text, row, separator, parts)
      return
    }
    const { symbol } = parts[0] as JoinPart
    if (this.#isPlain(symbol) && read === 'text') {
      text.putJoined(row, separator, this.#input, this.#starts[symbol] ?? 0, this.#ends[symbol] ?? 0)
      return
    }
    if (!this.#load(symbol)) return
    if (read === 'id' && !this.#trimId()) return
    if (!isBlank(this.#bytes, this.#from, this.#to)) text.putJoined(row, separator, this.#bytes, this.#from, this.#to)
  }

  /** Whether a scalar is text that needs no decoding and begins with something that is not white space, as nearly all do. */
  #isPlain(symbol: number): boolean {
    const start = this.#starts[symbol] ?? unset
    return start >= 0 && (this.#ends[symbol] ?? 0) > start && (this.#input[start] ?? 0) > 0x20
  }

  /** Makes the value looked at an id as a number is written: without leading zeros. @returns false when it is none */
  #trimId(): boolean {
    const value = digits(this.#bytes, this.#from, this.#to)
    if (value === 0 || value === noNumber) return false
    if (Number.isNaN(value) && (longDigits(this.#bytes, this.#from, this.#to) ?? 0n) === 0n) return false
    while (this.#bytes[this.#from] === 0x30) this.#from++
    return true
  }

  #joinParts(text: TextColumn, row: number, separator: Uint8Array, parts: readonly JoinPart[]): void {
    let isFirst = true
    for (const { symbol, before, open: opening, close: closing } of parts) {
      if (!this.#load(symbol) || isBlank(this.#bytes, this.#from, this.#to)) continue
      if (isFirst) text.join(row, separator)
      else text.append(before, 0, before.length)
      text.append(opening, 0, opening.length)
      text.append(this.#bytes, this.#from, this.#to)
      text.append(closing, 0, closing.length)
      isFirst = false
    }
    if (!isFirst) text.end()
  }

  /** Takes back the rows and counts of the tokens before `length`. */
  #undo(tape: Int32Array, length: number): void {
    for (const [index, dataset] of this.#datasets.entries()) {
      dataset.rows = this.#firstRows[index] ?? 0
      for (const column of dataset.columns) column.rollback(dataset.rows)
    }
    for (let at = 0; at < length; at += 3) {
      const symbol = (tape[at] ?? 0) >>> 3
      if (((tape[at] ?? 0) & 3) !== close) this.counts[symbol] = (this.counts[symbol] ?? 0) - 1
    }
  }
}

function putInt(row: number, column: AnyColumn, value: number): void {
  if (value !== noNumber) (column as IntColumn).put(row, value)
}

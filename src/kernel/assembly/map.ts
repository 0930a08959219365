/**
 * Carries out a row program: turns the tape of a scanned record into values in columns. Whatever the program cannot do in one
 * pass (a scalar that comes twice, credits in another order than their rows, a track's title behind its sub-tracks) gives the
 * record up: everything of it is undone, and the reference mapping (`src/discogs/extract.ts`) takes it.
 *
 * Hot: one step a token and a value. Scalars are kept by symbol, as the token that holds them, and copied once, into their column.
 */
import {
  appendText,
  Column,
  columnAt,
  joinText,
  putBoolean,
  putInt,
  putLong,
  putLongRun,
  putText,
  rollback,
} from './column'
import { allocate } from './memory'
import {
  entry,
  isScalar,
  isScope,
  Join,
  number,
  Op,
  Part,
  Program,
  readFlat,
  readId,
  RowStep,
  Scope,
  Step,
} from './program'
import { hashRecord } from './record-hash'
import { attributeKind, closeKind, escapedBit, isSpace, isSpaceByte, openKind, scan, tapeEnd, tapeStart, tokenBytes } from './scan'
import { maxSymbols } from './symbols'
import { boolean, clock, datePart, decode, decodedText, digits, int, noNumber } from './values'

/** In place of a scalar's token: it has not come yet; it must not come any more, since its row is written. */
const unset: u32 = 0
const tooLate: u32 = 1

const maxNesting: i32 = 256

let program: Program = changetype<Program>(0)
/** By symbol: how often it came, and how often with text that no column takes. */
let counts: usize = 0
let strayTexts: usize = 0
/** Symbols with such text in the record at hand. */
let strays: usize = 0
let strayCount: i32 = 0
/** By symbol, of every one that there may be. */
let actions: usize = 0
/** By declared symbol: the token of the scalar. */
let scalars: usize = 0
/** By scope. */
let ordinals: usize = 0
/** By dataset: where the record's rows begin, and the rank of the last one. */
let firstRows: usize = 0
let lastRanks: usize = 0
/** Of the tracks that are open, innermost last: their numbers, and whether their rows are written. */
let sequences: usize = 0
let written: usize = 0
let nesting: i32 = 0
let lastSequence: i32 = 0

/** By column: a byte, 1 for those that hold the record's id in every row. */
let isIdColumn: usize = 0

/** Where rows go: the number of rows by dataset, and the columns of all datasets. Those of record hashes are behind the program's. */
let rowCounts: usize = 0
let columns: usize = 0

// The value looked at last: see `look`.
let from: usize = 0
let to: usize = 0

/** Takes the memory that mapping needs, for a program of this thread's. */
export function prepareMap(address: usize): void {
  program = changetype<Program>(address)
  counts = zeros(maxSymbols)
  strayTexts = zeros(maxSymbols)
  strays = zeros(maxStrays as usize)
  actions = zeros(maxSymbols / 4)
  memory.copy(actions, program.actions as usize, program.symbolCount as usize)
  scalars = zeros(program.symbolCount as usize)
  ordinals = zeros(program.scopeCount as usize)
  firstRows = zeros(program.datasetCount as usize)
  lastRanks = zeros(program.datasetCount as usize)
  sequences = zeros(maxNesting as usize)
  written = zeros(maxNesting as usize)
  isIdColumn = zeros(program.columnCount as usize)
  for (let i = 0; i < program.idColumnCount; i++) store<u8>(isIdColumn + (number(program.idColumns, 2 * i + 1) as usize), 1)
}

/** A record with more texts that no column takes is for sax. */
const maxStrays: i32 = 4096

function zeros(numbers: usize): usize {
  const address = allocate(4 * (numbers as u32))
  memory.fill(address, 0, 4 * numbers)
  return address
}

/** Makes these the places that rows go to. */
export function useColumns(newRowCounts: usize, newColumns: usize): void {
  rowCounts = newRowCounts
  columns = newColumns
}

export function countsAddress(): usize {
  return counts
}

export function strayTextsAddress(): usize {
  return strayTexts
}

/** Records that {@link readRecords} has read. */
let recordsRead: i32 = 0

export function recordCount(): i32 {
  return recordsRead
}

/**
 * Reads records and the white space between them, as long as they are for the scanner.
 * @returns `end`, or the address of the first record that is not
 */
export function readRecords(start: usize, end: usize): usize {
  recordsRead = 0
  let at = start
  while (true) {
    while (at < end && isSpaceByte(load<u8>(at))) at++
    if (at >= end) return end
    const next = scan(at)
    if (next == 0 || next > end || !mapRecord()) return at
    recordsRead++
    at = next
  }
}

/** Appends the rows of the record on the tape. @returns false when it is not for this mapper; nothing is changed then */
export function mapRecord(): bool {
  beginRecord()
  const end = walk()
  const id = end == 0 ? recordId() : noNumber
  if (id != noNumber) {
    finish(id)
    endRecord(id)
  } else undo(end == 0 ? tapeEnd : end)
  memory.fill(scalars, unset as u8, 4 * (program.symbolCount as usize))
  memory.fill(ordinals, 0, 4 * (program.scopeCount as usize))
  memory.fill(lastRanks, 0, 4 * (program.datasetCount as usize))
  strayCount = 0
  nesting = 0
  lastSequence = 0
  return id != noNumber
}

/** Notes where the rows of a record begin. */
export function beginRecord(): void {
  memory.copy(firstRows, rowCounts, 4 * (program.datasetCount as usize))
  for (let i = 0, count = program.columnCount; i < count; i++) {
    const column = columnAt(columns, i)
    column.mark = column.length
  }
}

/** Appends the hash of the rows since {@link beginRecord}. */
export function endRecord(id: i64): void {
  const counter = rowCounts + 4 * (program.datasetCount as usize)
  const row = load<i32>(counter)
  const hash = hashRecord(program, isIdColumn, columns, firstRows, rowCounts, id)
  putLong(columnAt(columns, program.columnCount), row, id)
  putLong(columnAt(columns, program.columnCount + 1), row, hash)
  store<i32>(counter, row + 1)
}

/** @returns 0, or how far it went before it gave up */
function walk(): usize {
  const end = tapeEnd
  for (let token = tapeStart; token < end; token += tokenBytes) {
    const what = load<i32>(token)
    const symbol = (what >>> 3) as usize
    const kind = what & 3
    const action: u32 = load<u8>(actions + symbol)
    if (action == isScalar && kind != openKind) {
      if (kind != closeKind) count(symbol)
      const scalar = scalars + 4 * symbol
      if (load<u32>(scalar) != unset) return token + tokenBytes
      store<u32>(scalar, token as u32)
      continue
    }
    if (kind != closeKind) {
      count(symbol)
      if ((action & isScope) != 0 && !open(symbol as i32)) return token + tokenBytes
      if (kind == openKind) continue
    }
    if ((action & isScalar) != 0) {
      const scalar = scalars + 4 * symbol
      if (load<u32>(scalar) != unset) return token + tokenBytes
      store<u32>(scalar, token as u32)
    } else if (kind != attributeKind && load<u32>(token, 4) != load<u32>(token, 8) && !noteStray(token)) return token + tokenBytes
    if ((action & isScope) != 0 && !close(symbol as i32)) return token + tokenBytes
  }
  return 0
}

// @ts-ignore: decorator
@inline
function count(symbol: usize): void {
  const at = counts + 4 * symbol
  store<i32>(at, load<i32>(at) + 1)
}

/** Notes text that no column takes. @returns false when references must be decoded to tell whether it is any */
function noteStray(token: usize): bool {
  const end = load<u32>(token, 8) as usize
  let at = load<u32>(token, 4) as usize
  while (at < end && isSpaceByte(load<u8>(at))) at++
  if (at == end) return true
  if (load<u8>(at) == 0x26 || strayCount == maxStrays) return false
  store<i32>(strays + 4 * (strayCount++ as usize), load<i32>(token) >>> 3)
  return true
}

function open(symbol: i32): bool {
  const index = number(program.scopeOf, symbol)
  const scope = entry<Scope>(program.scopes, index)
  const ordinal = ordinals + 4 * (index as usize)
  store<i32>(ordinal, load<i32>(ordinal) + 1)
  for (let i = 0; i < scope.restartCount; i++) store<i32>(ordinals + 4 * (number(scope.restarts, i) as usize), 0)
  if (scope.isNested == 0) return true
  if (nesting == maxNesting) return false
  // The row of the track around this one comes first.
  if (nesting > 0 && load<i32>(written + 4 * ((nesting - 1) as usize)) == 0) {
    if (!putRows(scope)) return false
    store<i32>(written + 4 * ((nesting - 1) as usize), 1)
  }
  forget(scope, unset)
  store<i32>(written + 4 * (nesting as usize), 0)
  store<i32>(sequences + 4 * (nesting++ as usize), ++lastSequence)
  return true
}

function close(symbol: i32): bool {
  const index = number(program.scopeOf, symbol)
  const scope = entry<Scope>(program.scopes, index)
  if (scope.isNested == 0) {
    if (!putRows(scope)) return false
    for (let i = 0; i < scope.joinCount; i++) join(entry<Join>(scope.joins, i))
    // The record's scalars are needed once more, for its id.
    if (index != 0) forget(scope, unset)
    return true
  }
  if (load<i32>(written + 4 * ((nesting - 1) as usize)) == 0 && !putRows(scope)) return false
  nesting--
  forget(scope, nesting > 0 ? tooLate : unset)
  return true
}

// @ts-ignore: decorator
@inline
function forget(scope: Scope, mark: u32): void {
  const list = scope.scalars
  for (let i = 0, count = scope.scalarCount; i < count; i++) store<u32>(scalars + 4 * (number(list, i) as usize), mark)
}

function putRows(scope: Scope): bool {
  for (let i = 0; i < scope.rowCount; i++) if (!putRow(entry<RowStep>(scope.rows, i))) return false
  return true
}

function putRow(rowStep: RowStep): bool {
  const dataset = rowStep.dataset
  if (rowStep.rank >= 0 && !isInOrder(dataset, rowStep.rank)) return false
  const counter = rowCounts + 4 * (dataset as usize)
  const row = load<i32>(counter)
  store<i32>(counter, row + 1)
  const steps = rowStep.steps
  for (let i = 0, count = rowStep.stepCount; i < count; i++) {
    const step = entry<Step>(steps, i)
    if (!(step.op == Op.text && putPlainText(row, step)) && !putValue(row, step)) return false
  }
  return true
}

/** Puts a text that needs no decoding and begins with no white space, as nearly all do, or none. @returns false for another text */
// @ts-ignore: decorator
@inline
function putPlainText(row: i32, step: Step): bool {
  const token = load<u32>(scalars + 4 * (step.symbol as usize)) as usize
  if (token <= (tooLate as usize)) return true
  const start = load<u32>(token, 4) as usize
  const end = load<u32>(token, 8) as usize
  if (start == end) return true
  if ((load<i32>(token) & escapedBit) != 0 || load<u8>(start) <= 0x20) return false
  putText(columnAt(columns, step.column), row, start, end)
  return true
}

function isInOrder(dataset: i32, label: i32): bool {
  const rank = currentSequence(1) * number(program.ranks, dataset) + label
  const last = lastRanks + 4 * (dataset as usize)
  if (rank < load<i32>(last)) return false
  store<i32>(last, rank)
  return true
}

/** The number of the open track `depth` from the innermost (1), 0 outside of tracks. */
function currentSequence(depth: i32): i32 {
  return nesting < depth ? 0 : load<i32>(sequences + 4 * ((nesting - depth) as usize))
}

/** Puts the value of one column into its row. @returns false when it is not known yet */
function putValue(row: i32, step: Step): bool {
  const column = columnAt(columns, step.column)
  switch (step.op) {
    case Op.text: {
      if (look(step.symbol) && (load<u8>(from) > 0x20 || !isSpace(from, to))) putText(column, row, from, to)
      return true
    }
    case Op.id: {
      const value = look(step.symbol) ? digits(from, to) : noNumber
      if (value > 0) putLong(column, row, value)
      return true
    }
    case Op.digits: {
      const value = look(step.symbol) ? digits(from, to) : noNumber
      if (value >= 0) putLong(column, row, value)
      return true
    }
    case Op.int: {
      putNumber(column, row, look(step.symbol) ? int(from, to) : noNumber)
      return true
    }
    case Op.boolean: {
      const value = look(step.symbol) ? boolean(from, to) : noNumber
      if (value != noNumber) putBoolean(column, row, value as i32)
      return true
    }
    case Op.clock: {
      putNumber(column, row, look(step.symbol) ? clock(from, to) : noNumber)
      return true
    }
    case Op.dateYear:
    case Op.dateMonth:
    case Op.dateDay: {
      putNumber(column, row, look(step.symbol) ? datePart(from, to, step.op - Op.dateYear + 1) : noNumber)
      return true
    }
    case Op.recordText: {
      const scalar = scalars + 4 * (step.symbol as usize)
      if (load<u32>(scalar) == unset) store<u32>(scalar, tooLate)
      else if (look(step.symbol) && !isSpace(from, to)) putText(column, row, from, to)
      return true
    }
    case Op.recordId: {
      const id = recordId()
      if (id != noNumber) putLong(column, row, id)
      return id != noNumber
    }
    case Op.label: {
      putText(column, row, step.text as usize, (step.text + step.textBytes) as usize)
      return true
    }
    case Op.position: {
      putInt(column, row, load<i32>(ordinals + 4 * (step.scope as usize)))
      return true
    }
    case Op.sequence: {
      putInt(column, row, currentSequence(1))
      return true
    }
    default: {
      if (nesting > 1) putInt(column, row, currentSequence(2))
      return true
    }
  }
}

// @ts-ignore: decorator
@inline
function putNumber(column: Column, row: i32, value: i64): void {
  if (value != noNumber) putInt(column, row, value as i32)
}

/** Makes a scalar the value looked at, decoded. @returns false when there is none, or it is empty */
// @ts-ignore: decorator
@inline
function look(symbol: i32): bool {
  const token = load<u32>(scalars + 4 * (symbol as usize)) as usize
  if (token <= (tooLate as usize)) return false
  from = load<u32>(token, 4) as usize
  to = load<u32>(token, 8) as usize
  if ((load<i32>(token) & escapedBit) != 0) {
    to = decode(from, to)
    from = decodedText()
  }
  return to != from
}

/** The record's id, {@link noNumber} for none. */
function recordId(): i64 {
  const id = look(program.idSymbol) ? digits(from, to) : noNumber
  return id > 0 ? id : noNumber
}

function finish(id: i64): void {
  for (let i = 0; i < strayCount; i++) {
    const at = strayTexts + 4 * (load<i32>(strays + 4 * (i as usize)) as usize)
    store<i32>(at, load<i32>(at) + 1)
  }
  for (let i = 0, count = program.idColumnCount; i < count; i++) {
    const dataset = number(program.idColumns, 2 * i) as usize
    const first = load<i32>(firstRows + 4 * dataset)
    const end = load<i32>(rowCounts + 4 * dataset)
    putLongRun(columnAt(columns, number(program.idColumns, 2 * i + 1)), first, end, id)
  }
}

function join(step: Join): void {
  const column = columnAt(columns, step.column)
  const row = load<i32>(firstRows + 4 * (step.dataset as usize))
  if (step.read == readFlat) {
    joinParts(column, row, step)
    return
  }
  if (!look(entry<Part>(step.parts, 0).symbol)) return
  if (step.read == readId) {
    // As a number is written: without leading zeros.
    if (digits(from, to) <= 0) return
    while (load<u8>(from) == 0x30) from++
  } else if (load<u8>(from) <= 0x20 && isSpace(from, to)) return
  if (column.rows <= row) putText(column, row, from, to)
  else {
    appendText(column, step.separator as usize, (step.separator + step.separatorBytes) as usize)
    appendText(column, from, to)
  }
}

/** `role: name`: a missing part goes together with its punctuation. */
function joinParts(column: Column, row: i32, step: Join): void {
  let isFirst = true
  for (let i = 0; i < step.partCount; i++) {
    const part = entry<Part>(step.parts, i)
    if (!look(part.symbol) || isSpace(from, to)) continue
    if (isFirst) joinText(column, row, step.separator as usize, step.separatorBytes)
    else appendText(column, part.before as usize, (part.before + part.beforeBytes) as usize)
    if (part.openBytes > 0) appendText(column, part.open as usize, (part.open + part.openBytes) as usize)
    appendText(column, from, to)
    if (part.closeBytes > 0) appendText(column, part.close as usize, (part.close + part.closeBytes) as usize)
    isFirst = false
  }
}

/** Takes back the rows and counts of the tokens before `end`. */
function undo(end: usize): void {
  for (let dataset = 0; dataset < program.datasetCount; dataset++) {
    const row = load<i32>(firstRows + 4 * (dataset as usize))
    store<i32>(rowCounts + 4 * (dataset as usize), row)
    const last = number(program.firstColumns, dataset + 1)
    for (let i = number(program.firstColumns, dataset); i < last; i++) {
      const column = columnAt(columns, i)
      rollback(column, row, column.mark)
    }
  }
  for (let token = tapeStart; token < end; token += tokenBytes) {
    const what = load<i32>(token)
    if ((what & 3) == closeKind) continue
    const at = counts + 4 * ((what >>> 3) as usize)
    store<i32>(at, load<i32>(at) - 1)
  }
}

/**
 * Numbers for the element and attribute paths of a document, so that a scanner need not make a string of any name.
 * Declared paths are known from the start; others are learnt when they are met first.
 */

import type { Kernel } from '../kernel/kernel.ts'

/** The element paths that somebody wants to know of; may contain itself (a track in a track). */
export interface ElementTree {
  readonly name: string
  readonly children: ReadonlyMap<string, ElementTree>
  readonly attributes: ReadonlySet<string>
}

/** Symbols fit 12 bits. */
export const maxSymbols = 4096

/** The first bytes of a name, which the scanner compares at once. */
const patternBytes = 16

const tableSize = 4 * maxSymbols

/** The symbol of the document; its only child is the record, {@link recordSymbol}. */
const documentSymbol = 0
export const recordSymbol = 1

/** Returned in place of a symbol. */
export const noSymbol = -1

interface Entry {
  readonly name: string
  readonly owner: number
  readonly isAttribute: boolean
}

export class SymbolTable {
  readonly #entries: Entry[] = []
  readonly #declared: number
  readonly #kernel: Kernel
  /** In the kernel's memory, as `assembly/symbols.ts` reads them: patterns, masks, lengths, addresses of the names. */
  readonly #tables: number
  /** Open addressing: owner and kind, name's hash, symbol. */
  readonly #keys = new Int32Array(tableSize)
  readonly #hashes = new Int32Array(tableSize)
  readonly #symbols = new Int32Array(tableSize)

  /** Makes these the symbols that the kernel's scanner knows. */
  constructor(kernel: Kernel, record: ElementTree) {
    this.#kernel = kernel
    const { exports } = kernel
    this.#tables = exports.allocate(exports.symbolTableBytes()) >>> 0
    exports.useSymbols(this.#tables)
    kernel.lookUp = (owner, isAttribute, start, end) =>
      this.lookUp(owner, isAttribute, kernel.bytes(start, end - start), 0, end - start)
    this.#add({ name: '', owner: documentSymbol, isAttribute: false })
    this.#declare(record)
    this.#declared = this.#entries.length
  }

  get size(): number {
    return this.#entries.length
  }

  isDeclared(symbol: number): boolean {
    return symbol < this.#declared
  }

  isAttribute(symbol: number): boolean {
    return this.#entries[symbol]?.isAttribute === true
  }

  nameOf(symbol: number): string {
    return this.#entries[symbol]?.name ?? ''
  }

  /** The element a symbol was met in first; 0 for the record. */
  ownerOf(symbol: number): number {
    return this.#entries[symbol]?.owner ?? documentSymbol
  }

  element(owner: number, name: string): number {
    const bytes = Buffer.from(name)
    return this.#find(keyOf(owner, false), bytes, 0, bytes.length, hashOf(bytes, 0, bytes.length))
  }

  attribute(owner: number, name: string): number {
    const bytes = Buffer.from(name)
    return this.#find(keyOf(owner, true), bytes, 0, bytes.length, hashOf(bytes, 0, bytes.length))
  }

  /**
   * The symbol of the name from `start` to before `end`, learnt if it must be.
   * @returns noSymbol when the name is not a plain one (ASCII) or the table is full: nothing is wrong with it then
   */
  lookUp(owner: number, isAttribute: boolean, bytes: Uint8Array, start: number, end: number): number {
    const key = keyOf(owner, isAttribute)
    const hash = hashOf(bytes, start, end)
    const found = this.#find(key, bytes, start, end, hash)
    if (found !== noSymbol) return found
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) || name === '__proto__' || this.size === maxSymbols) return noSymbol
    return this.#insert(key, hash, this.#add({ name, owner, isAttribute }))
  }

  #declare(record: ElementTree): void {
    const symbols = new Map<ElementTree, number>()
    const visit = (tree: ElementTree, owner: number): void => {
      const known = symbols.get(tree)
      const symbol = known ?? this.#add({ name: tree.name, owner, isAttribute: false })
      this.#insertNamed(keyOf(owner, false), tree.name, symbol)
      if (known !== undefined) return
      symbols.set(tree, symbol)
      for (const name of tree.attributes) {
        this.#insertNamed(keyOf(symbol, true), name, this.#add({ name, owner: symbol, isAttribute: true }))
      }
      for (const child of tree.children.values()) visit(child, symbol)
    }
    visit(record, documentSymbol)
  }

  #add(entry: Entry): number {
    const symbol = this.#entries.push(entry) - 1
    const name = Buffer.from(entry.name)
    const pattern = this.#kernel.bytes(this.#tables + patternBytes * symbol, patternBytes).fill(0)
    const mask = this.#kernel.bytes(this.#tables + patternBytes * (maxSymbols + symbol), patternBytes).fill(0)
    mask.fill(0xff, 0, name.copy(pattern))
    const numbers = this.#kernel.int32(this.#tables + 2 * patternBytes * maxSymbols, 2 * maxSymbols)
    numbers[symbol] = name.length
    numbers[maxSymbols + symbol] = this.#kernel.store(name)
    return symbol
  }

  #insertNamed(key: number, name: string, symbol: number): void {
    const bytes = Buffer.from(name)
    this.#insert(key, hashOf(bytes, 0, bytes.length), symbol)
  }

  #insert(key: number, hash: number, symbol: number): number {
    let slot = slotOf(key, hash)
    while (this.#symbols[slot] !== 0) slot = (slot + 1) % tableSize
    this.#keys[slot] = key
    this.#hashes[slot] = hash
    this.#symbols[slot] = symbol
    return symbol
  }

  #find(key: number, bytes: Uint8Array, start: number, end: number, hash: number): number {
    for (let slot = slotOf(key, hash); this.#symbols[slot] !== 0; slot = (slot + 1) % tableSize) {
      const symbol = this.#symbols[slot] ?? 0
      if (this.#keys[slot] === key && this.#hashes[slot] === hash && this.#isName(symbol, bytes, start, end)) return symbol
    }
    return noSymbol
  }

  #isName(symbol: number, bytes: Uint8Array, start: number, end: number): boolean {
    const name = this.nameOf(symbol)
    if (name.length !== end - start) return false
    for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false
    return true
  }
}

function keyOf(owner: number, isAttribute: boolean): number {
  return 2 * owner + (isAttribute ? 1 : 0)
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0
  return hash
}

function slotOf(key: number, hash: number): number {
  return (Math.imul(key, 0x9e3779b1) ^ Math.imul(hash, 0x85ebca6b)) >>> (32 - Math.log2(tableSize))
}

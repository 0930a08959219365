/**
 * Structs in Thrift's compact protocol (thrift-compact-protocol.md), written by hand: the library's writer loads for 70 ms, and takes a
 * stack trace for each struct (it calls `new Buffer`, which Node.js then looks into).
 *
 * A field is a byte (what its number is above the last one's << 4, type), then its value; a struct ends with a 0. Numbers are zigzag
 * varints, lengths plain ones.
 */

const types = { true: 1, false: 2, int32: 5, int64: 6, bytes: 8, list: 9, struct: 12 } as const

/** A struct while it is written, its fields in the order of their numbers. Fields that are undefined are left out. */
export class CompactStruct {
  readonly #bytes: number[] = []
  #last = 0

  int32(id: number, value: number | undefined): this {
    return value === undefined ? this : this.#begin(id, types.int32).#number(value)
  }

  /** @param value a safe integer below 2 ** 52 */
  int64(id: number, value: number | undefined): this {
    return value === undefined ? this : this.#begin(id, types.int64).#number(value)
  }

  boolean(id: number, value: boolean | undefined): this {
    return value === undefined ? this : this.#begin(id, value ? types.true : types.false)
  }

  /** @param value of a text, its UTF-8 is written */
  bytes(id: number, value: Uint8Array | string | undefined): this {
    return value === undefined ? this : this.#begin(id, types.bytes).#string(value)
  }

  struct(id: number, value: CompactStruct | undefined): this {
    return value === undefined ? this : this.#begin(id, types.struct).#struct(value)
  }

  int32s(id: number, values: readonly number[]): this {
    this.#list(id, types.int32, values.length)
    for (const value of values) this.#number(value)
    return this
  }

  strings(id: number, values: readonly string[]): this {
    this.#list(id, types.bytes, values.length)
    for (const value of values) this.#string(value)
    return this
  }

  structs(id: number, values: readonly CompactStruct[]): this {
    this.#list(id, types.struct, values.length)
    for (const value of values) this.#struct(value)
    return this
  }

  toBytes(): Buffer {
    return Buffer.from([...this.#bytes, 0])
  }

  #begin(id: number, type: number): this {
    this.#bytes.push(((id - this.#last) << 4) | type)
    this.#last = id
    return this
  }

  #list(id: number, type: number, length: number): void {
    this.#begin(id, types.list)
    if (length < 15) this.#bytes.push((length << 4) | type)
    else this.#push(0xf0 | type).#varint(length)
  }

  #string(value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    this.#varint(bytes.length)
    for (const byte of bytes) this.#bytes.push(byte)
    return this
  }

  #struct(value: CompactStruct): this {
    for (const byte of value.#bytes) this.#bytes.push(byte)
    return this.#push(0)
  }

  #number(value: number): this {
    return this.#varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  /** @param value from 0 to 2 ** 53, so that it is divided in place of being shifted */
  #varint(value: number): this {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes.push((rest % 128) | 128)
    return this.#push(rest)
  }

  #push(byte: number): this {
    this.#bytes.push(byte)
    return this
  }
}

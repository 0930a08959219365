/** Decodes what a scanner has checked: references become characters, a raw CR LF or CR becomes LF (XML 1.0, §2.11). */

const amp = 0x26
const cr = 0x0d
const lf = 0x0a

export class Unescaper {
  /** Holds the text decoded last, from 0, with 8 bytes to spare behind it. */
  bytes = new Uint8Array(new ArrayBuffer(4096))
  #length = 0

  /** Decodes `source` from `start` to before `end`. @returns the length of the text, which is never longer than its source */
  decode(source: Uint8Array, start: number, end: number): number {
    if (end - start + 8 > this.bytes.length) this.bytes = new Uint8Array(new ArrayBuffer(2 * (end - start + 8)))
    this.#length = 0
    for (let at = start; at < end; ) {
      at = this.#copyPlain(source, at, end)
      if (at === end) break
      if (source[at] === amp) at = this.#reference(source, at + 1)
      else {
        this.bytes[this.#length++] = lf
        at += source[at + 1] === lf ? 2 : 1
      }
    }
    return this.#length
  }

  /** Copies what needs no decoding. @returns the offset of what does, or `end` */
  #copyPlain(source: Uint8Array, start: number, end: number): number {
    const { bytes } = this
    let to = this.#length
    let at = start
    for (; at < end; at++) {
      const byte = source[at] ?? 0
      if (byte === amp || byte === cr) break
      bytes[to++] = byte
    }
    this.#length = to
    return at
  }

  /** Decodes what stands between `&` and `;`. @returns the offset behind the `;` */
  #reference(source: Uint8Array, from: number): number {
    const { bytes } = this
    switch (source[from]) {
      case 0x61: // amp, apos
        bytes[this.#length++] = source[from + 1] === 0x6d ? amp : 0x27
        return from + (source[from + 1] === 0x6d ? 4 : 5)
      case 0x6c: // lt
        bytes[this.#length++] = 0x3c
        return from + 3
      case 0x67: // gt
        bytes[this.#length++] = 0x3e
        return from + 3
      case 0x71: // quot
        bytes[this.#length++] = 0x22
        return from + 5
      default:
        return this.#character(source, from + 1)
    }
  }

  /** `13;` or `xd;` */
  #character(source: Uint8Array, from: number): number {
    let code = 0
    let at = from
    if (source[at] === 0x78) {
      for (at++; source[at] !== 0x3b; at++) code = 16 * code + hexDigit(source[at] ?? 0)
    } else for (; source[at] !== 0x3b; at++) code = 10 * code + (source[at] ?? 0) - 0x30
    this.#put(code)
    return at + 1
  }

  #put(code: number): void {
    const { bytes } = this
    if (code < 0x80) {
      bytes[this.#length++] = code
      return
    }
    if (code < 0x800) bytes[this.#length++] = 0xc0 | (code >> 6)
    else {
      if (code < 0x10000) bytes[this.#length++] = 0xe0 | (code >> 12)
      else {
        bytes[this.#length++] = 0xf0 | (code >> 18)
        bytes[this.#length++] = 0x80 | ((code >> 12) & 0x3f)
      }
      bytes[this.#length++] = 0x80 | ((code >> 6) & 0x3f)
    }
    bytes[this.#length++] = 0x80 | (code & 0x3f)
  }
}

function hexDigit(byte: number): number {
  return byte < 0x3a ? byte - 0x30 : (byte | 0x20) - 0x57
}

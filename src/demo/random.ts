/**
 * Numbers that look random and depend on the seed parts alone, on every machine: sfc32 by Chris Doty-Humphrey (PractRand, public domain),
 * 32-bit integer arithmetic only.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Generators of different parts are independent of each other. */
  constructor(...parts: readonly number[]) {
    let state = 0x9e3779b9
    for (const part of parts) state = mix((state + Math.imul(part, 0x9e3779b1)) | 0)
    this.#a = state
    this.#b = mix(state + 1)
    this.#c = mix(state + 2)
    // The first outputs still show the seed.
    for (let round = 0; round < 4; round++) this.next()
  }

  /** 0 … 2^32 − 1 */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** 0 … `limit` − 1 */
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit)
  }

  /** From `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** True in `percent` of 100 cases; fractions are fine. */
  chance(percent: number): boolean {
    return this.next() < (percent / 100) * 0x1_0000_0000
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0]
  }

  /** 1 … `last`, small numbers much more often: a few are everywhere, most are rare. */
  skewed(last: number): number {
    const share = this.next() / 0x1_0000_0000
    return 1 + Math.floor(last * share * share)
  }

  /** `count` different items at most, fewer when the draw repeats itself. */
  several<Item>(items: readonly [Item, ...Item[]], count: number): Item[] {
    const found: Item[] = []
    for (let left = count; left > 0; left--) {
      const item = this.pick(items)
      if (!found.includes(item)) found.push(item)
    }
    return found
  }
}

/** The finalizer of MurmurHash3: every bit of the input reaches every bit of the output. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

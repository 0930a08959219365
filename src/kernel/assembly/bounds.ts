/**
 * The least and the greatest of values as PLAIN encoding writes them: texts in the order of their unsigned bytes, numbers signed.
 */

/** What the functions here found last: addresses of a text's length, of a number or of a boolean. */
export let least: usize = 0
export let greatest: usize = 0

/** Hot: the first eight bytes of a text, as a number, decide nearly always. */
export function findTextBounds(texts: usize, end: usize): void {
  let min = texts
  let max = texts
  let minKey = keyOf(texts)
  let maxKey = minKey
  for (let at = texts; at < end; at += 4 + (load<u32>(at) as usize)) {
    const key = keyOf(at)
    if (key <= minKey && (key < minKey || compareTexts(at, min) < 0)) {
      minKey = key
      min = at
    } else if (key >= maxKey && (key > maxKey || compareTexts(at, max) > 0)) {
      maxKey = key
      max = at
    }
  }
  least = min
  greatest = max
}

export function findNumberBounds<T extends number>(numbers: usize, end: usize): void {
  let minAt = numbers
  let maxAt = numbers
  let min = load<T>(numbers)
  let max = min
  for (let at = numbers; at < end; at += sizeof<T>()) {
    const value = load<T>(at)
    if (value < min) {
      min = value
      minAt = at
    } else if (value > max) {
      max = value
      maxAt = at
    }
  }
  least = minAt
  greatest = maxAt
}

/** Of bytes 0 and 1; ends as soon as both were seen. */
export function findBooleanBounds(booleans: usize, end: usize): void {
  const first = load<u8>(booleans)
  let at = booleans + 1
  while (at < end && load<u8>(at) == first) at++
  const other = at < end ? at : booleans
  least = first == 0 ? booleans : other
  greatest = first == 0 ? other : booleans
}

// @ts-ignore: decorator
@inline
function keyOf(text: usize): u64 {
  return keyAt(text + 4, load<u32>(text))
}

/** Eight bytes as a number that orders as they do, zeros for those behind the first `size`. */
// @ts-ignore: decorator
@inline
function keyAt(at: usize, size: u32): u64 {
  const key = bswap<u64>(load<u64>(at))
  return size >= 8 ? key : size == 0 ? 0 : key & ((-1 as u64) << ((64 - 8 * size) as u64))
}

function compareTexts(left: usize, right: usize): i32 {
  if (left == right) return 0
  const leftSize = load<u32>(left)
  const rightSize = load<u32>(right)
  const common = min<u32>(leftSize, rightSize)
  for (let i: u32 = 0; i < common; i += 8) {
    const leftKey = keyAt(left + 4 + (i as usize), common - i)
    const rightKey = keyAt(right + 4 + (i as usize), common - i)
    if (leftKey != rightKey) return leftKey < rightKey ? -1 : 1
  }
  return leftSize < rightSize ? -1 : leftSize > rightSize ? 1 : 0
}

/**
 * Blocks of the memory that all threads of an ingest share. A block is of one of a few sizes, about two an octave, and goes back
 * to the others of its size when it is freed, by whatever thread.
 *
 * The first 4 KiB of the memory are this file's: no static data lies there, so that a thread that starts later changes nothing.
 * They begin as zeros, which is a valid state: nothing allocated yet.
 */

/** 1 while some thread changes the lists. */
const lockAt: usize = 64
/** Everything from here on has never been allocated; 0 in the beginning. */
const topAt: usize = 68
/** By size: the first free block; each names the next one in its header. */
const freeAt: usize = 128

/** In front of every block: its size class, the next free block. */
const headerBytes: usize = 16

const maxBlockBytes: u32 = 0x7fff_0000

/** Whoever reads or copies by vectors may go so far past a block's end. */
export const slackBytes: u32 = 32

/** Nothing reaches the very end, so that addresses behind a block never wrap. */
const maxAddress: u64 = 0xffff_0000
const growPages: i32 = 256

/** @returns the address of at least `size` bytes, aligned to 16; what lies there is arbitrary */
export function allocate(size: u32): usize {
  if (size > maxBlockBytes) throw new Error('out of memory: a block of more than 2 GiB')
  const sizeClass = sizeClassOf(size + (headerBytes as u32) + slackBytes)
  lock()
  const list = freeAt + 4 * (sizeClass as usize)
  let block = load<u32>(list) as usize
  if (block != 0) store<u32>(list, load<u32>(block + 4))
  else block = extend(capacityOf(sizeClass) as usize)
  unlock()
  store<i32>(block, sizeClass)
  return block + headerBytes
}

export function free(address: usize): void {
  const block = address - headerBytes
  const list = freeAt + 4 * (load<i32>(block) as usize)
  lock()
  store<u32>(block + 4, load<u32>(list))
  store<u32>(list, block as u32)
  unlock()
}

/** Bytes that a block holds. */
export function blockBytes(address: usize): u32 {
  return capacityOf(load<i32>(address - headerBytes)) - (headerBytes as u32) - slackBytes
}

/** Never allocated bytes become a block. The memory grows in large steps: a step stops every thread for a moment. */
function extend(size: usize): usize {
  let top = load<u32>(topAt) as usize
  if (top == 0) top = (__heap_base + 15) & ~15
  const end = (top as u64) + (size as u64)
  const missing = (((end + 65535) >> 16) as i32) - memory.size()
  if (end > maxAddress || (missing > 0 && memory.grow(max(missing, growPages)) < 0 && memory.grow(missing) < 0)) {
    unlock()
    throw new Error('out of memory: an ingest can hold 4 GiB at once')
  }
  store<u32>(topAt, end as u32)
  return top
}

/** 2k for up to 1.5 * 2^k bytes, 2k + 1 for up to 2^(k + 1). */
// @ts-ignore: decorator
@inline
function sizeClassOf(size: u32): i32 {
  const k = 31 - clz<u32>(max<u32>(size, 64) - 1)
  return (size <= (<u32>3) << (k - 1) ? 2 * k : 2 * k + 1) as i32
}

// @ts-ignore: decorator
@inline
function capacityOf(sizeClass: i32): u32 {
  const k = (sizeClass >> 1) as u32
  return (sizeClass & 1) == 1 ? (<u32>2) << k : (<u32>3) << (k - 1)
}

function lock(): void {
  while (atomic.cmpxchg<i32>(lockAt, 0, 1) != 0) atomic.wait<i32>(lockAt, 1, 100_000)
}

function unlock(): void {
  atomic.store<i32>(lockAt, 0)
  atomic.notify(lockAt, 1)
}

/** Copies `size` bytes by vectors of 16: both sides must have {@link slackBytes} to spare. */
// @ts-ignore: decorator
@inline
export function copy(to: usize, from: usize, size: usize): void {
  if (size > 256) {
    memory.copy(to, from, size)
    return
  }
  let at: usize = 0
  do {
    v128.store(to + at, v128.load(from + at))
    at += 16
  } while (at < size)
}

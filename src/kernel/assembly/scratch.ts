/** Working memory of one instance, kept from one column to the next. */
import { allocate, blockBytes, free } from './memory'

/** More than this is given back: one giant value must not cost for ever. */
const spareBytes: u32 = 4 * 1024 * 1024

/** @returns `block`, or another one in its place, with room for `size` bytes; what lay there may be lost. 0 stands for no block. */
export function withRoom(block: usize, size: u32): usize {
  if (block != 0 && blockBytes(block) >= size) return block
  const wider = allocate(size)
  if (block != 0) free(block)
  return wider
}

/** @returns `block`, or 0 when it was large and is given back */
export function spared(block: usize): usize {
  if (block == 0 || blockBytes(block) <= spareBytes) return block
  free(block)
  return 0
}

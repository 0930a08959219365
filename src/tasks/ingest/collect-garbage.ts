/**
 * Buffers that native code fills (inflated, compressed) become garbage by the gigabyte while the heap stays small. V8 lets tens of
 * megabytes of them pile up, then marks the whole heap again and again; collecting the youngest on time costs next to nothing.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const collectEveryBytes = 8 * 1024 * 1024

/** @returns a function to call with the bytes of garbage made since the last call */
export function garbageCollector(): (bytes: number) => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void
  let since = 0
  return (bytes) => {
    since += bytes
    if (since < collectEveryBytes) return
    since = 0
    collect({ type: 'minor' })
  }
}

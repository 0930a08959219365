/**
 * Buffers that native code fills (inflated, compressed) become garbage by the gigabyte while the heap stays small. V8 lets tens of
 * megabytes of them pile up, then marks the whole heap again and again; collecting the youngest on time costs next to nothing.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const collectEveryBytes = 8 * 1024 * 1024

let bytesSince = 0
let collect: ((options: { readonly type: 'minor' }) => void) | null = null

/** Tells that so many bytes of this thread's buffers have become garbage; collects them when it is time to. */
export function discarded(bytes: number): void {
  bytesSince += bytes
  if (bytesSince < collectEveryBytes) return
  bytesSince = 0
  collect ??= exposedCollector()
  collect({ type: 'minor' })
}

function exposedCollector(): NonNullable<typeof collect> {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as NonNullable<typeof collect>
}

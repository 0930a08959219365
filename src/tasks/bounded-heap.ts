/**
 * sax and row objects leave garbage faster than V8 thinks worth collecting: left alone, the heap of a big dump grows to
 * many times what is alive. A hard limit on the heap would refuse records of many megabytes, so the garbage is collected
 * on time instead, where node runs with --expose-gc.
 */
const collectEveryBytes = 2 * 1024 * 1024

/** @returns a function to call with the bytes worked through, as often as you like */
export function boundedHeap(): (bytes: number) => void {
  let bytesSince = 0
  return (bytes) => {
    bytesSince += bytes
    if (bytesSince < collectEveryBytes) return
    bytesSince = 0
    globalThis.gc?.()
  }
}

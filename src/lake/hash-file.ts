/** sha256 of files on the disk, in constant memory. */
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

const readBytes = 1 << 20

export interface HashFileOptions {
  readonly signal?: AbortSignal | undefined
  /** Told how many bytes have been read so far. */
  readonly onRead?: (bytes: number) => void
}

/** The hash of a whole file, in hex. @throws the reason of an abort */
export async function hashFile(path: string, options: HashFileOptions = {}): Promise<string> {
  await using handle = await open(path, 'r')
  const { hash } = await hashHandle(handle, options)
  return hash.digest('hex')
}

/** Reads an open file from its begin to its end. @returns a hash that can go on, and the bytes in it */
export async function hashHandle(
  handle: FileHandle,
  { signal, onRead }: HashFileOptions,
): Promise<{ readonly hash: Hash; readonly bytes: number }> {
  const hash = createHash('sha256')
  const buffers = [Buffer.allocUnsafe(readBytes), Buffer.allocUnsafe(readBytes)] as const
  let bytes = 0
  // One buffer is hashed while the other one is filled.
  let next = handle.read(buffers[0], 0, readBytes, 0)
  for (let turn = 1; ; turn++) {
    const { bytesRead, buffer } = await next
    signal?.throwIfAborted()
    if (bytesRead === 0) return { hash, bytes }
    next = handle.read(buffers[turn % 2 === 0 ? 0 : 1], 0, readBytes, bytes + bytesRead)
    hash.update(buffer.subarray(0, bytesRead))
    bytes += bytesRead
    onRead?.(bytes)
  }
}

import { statfs } from 'node:fs/promises'
import { PipelineError } from '../errors.ts'

/** Kept free for manifests and locks. */
const reserveBytes = 1_000_000

/** @throws PipelineError when `bytes` more do not fit into the file system of a directory */
export async function assertRoom(directory: string, bytes: number, what: string): Promise<void> {
  if (bytes <= 0) return
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  if (free >= bytes + reserveBytes) return
  throw new PipelineError(`${what} needs ${megabytes(bytes)} MB more, ${directory} has ${megabytes(free)} MB free`, {
    retryable: false,
    hint: 'free some disk space or set DISCOGS_RAW to a larger disk, then run the same command again: what has arrived is kept',
  })
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Removes a directory that holds sealed runs: those are read-only, even for their owner. */
export function removeLake(directory: string): void {
  openDirectories(directory)
  rmSync(directory, { recursive: true, force: true })
}

/** Step by step: a recursive listing would follow links out of the directory. */
function openDirectories(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const path = join(directory, entry.name)
    chmodSync(path, 0o700)
    openDirectories(path)
  }
}

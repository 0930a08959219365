import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Removes a directory that holds sealed runs: those are read-only, even for their owner. */
export function removeLake(directory: string): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o700)
  rmSync(directory, { recursive: true, force: true })
}

/** Whether the state's file is sound. Nothing is migrated, nothing written. */
import { existsSync } from 'node:fs'
import { schemaVersion, versionOf } from '../migrations/migrate.ts'
import { databaseFile } from './connection.ts'
import { openToRead } from './open-to-read.ts'

export interface StateHealth {
  readonly file: string
  /** What `PRAGMA integrity_check` and `foreign_key_check` complain of. */
  readonly problems: readonly string[]
  readonly version: number
  /** What this code writes. */
  readonly knownVersion: number
}

/** @returns null when there is no state yet @throws what SQLite throws of a file it cannot read */
export function stateHealth(stateDir: string): StateHealth | null {
  const file = databaseFile(stateDir)
  if (!existsSync(file)) return null
  const database = openToRead(file, { timeoutMs: 10_000 })
  try {
    const integrity = database.prepare<[], string>('PRAGMA integrity_check').pluck().all()
    const orphans = database.prepare<[], string>('PRAGMA foreign_key_check').pluck().all()
    const problems = [
      ...integrity.filter((line) => line !== 'ok'),
      ...orphans.map((table) => `${table}: a row whose parent is missing`),
    ]
    return { file, problems, version: versionOf(database), knownVersion: schemaVersion }
  } finally {
    database.close()
  }
}

/** Whether the state can be read as it is: no older schema, which would have to be migrated first, no newer one, no damage. */
export function isReadable(stateDir: string): boolean {
  const file = databaseFile(stateDir)
  if (!existsSync(file)) return true
  try {
    const database = openToRead(file, { timeoutMs: 10_000 })
    try {
      return versionOf(database) === schemaVersion
    } finally {
      database.close()
    }
  } catch {
    return false
  }
}

/** Brings a database to the newest schema: numbered migrations, each in a transaction of its own, counted by `PRAGMA user_version`. */
import type Database from 'better-sqlite3'
import { exitCodes, PipelineError } from '../../errors.ts'
import { sql as initial } from './0001-initial.ts'
import { sql as fencing } from './0002-fencing.ts'
import { sql as operations } from './0003-operations.ts'
import { sql as olderReaders } from './0004-older-readers.ts'
import { sql as soundChecks } from './0005-sound-checks.ts'
import { sql as boundRuns } from './0006-bound-runs.ts'
import { sql as deferral } from './0007-deferral.ts'

const migrations: readonly string[] = [initial, fencing, operations, olderReaders, soundChecks, boundRuns, deferral]

export const schemaVersion = migrations.length

export function versionOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }))
}

/** @throws PipelineError (exit 2) when a newer version of this project has written the database */
export function migrate(database: Database.Database): void {
  refuseNewer(database)
  // A table that others refer to cannot be rebuilt while that is enforced, and a transaction cannot change it.
  database.pragma('foreign_keys = OFF')
  for (const [index, sql] of migrations.entries()) {
    if (versionOf(database) > index) continue
    database
      .transaction(() => {
        // Another process may have been faster: the version counts only once the write lock is held.
        if (versionOf(database) > index) return
        database.exec(sql)
        database.pragma(`user_version = ${index + 1}`)
      })
      .immediate()
  }
  database.pragma('foreign_keys = ON')
}

function refuseNewer(database: Database.Database): void {
  const version = versionOf(database)
  if (version <= schemaVersion) return
  throw new PipelineError(`${database.name} has schema version ${version}, this code knows ${schemaVersion}`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: 'a newer version has written it: update this checkout',
  })
}

/** The whole schema as SQL text, a statement each, as `schema.sql` holds it. */
export function schemaText(database: Database.Database): string {
  const statements = database
    .prepare<[], string>("select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by rowid")
    .pluck()
    .all()
  return `-- Schema ${versionOf(database)} of state/scheduler.db, as the migrations leave it. A test compares it.\n\n${statements.map((sql) => `${sql};\n`).join('\n')}`
}

/** A copy of the state, whole while others write. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import { exitCodes, messageOf, PipelineError } from '../../errors.ts'
import { databaseFile } from './connection.ts'
import { openToRead } from './open-to-read.ts'

/**
 * SQLite's online backup, then `integrity_check` of the copy; only then it gets its name.
 * @throws PipelineError: exit 4 without a state, 3 when the file exists and may not be replaced
 */
export async function backUpState(
  stateDir: string,
  file: string,
  { replace }: { readonly replace: boolean },
): Promise<{ readonly pages: number }> {
  const source = databaseFile(stateDir)
  if (!existsSync(source))
    throw new PipelineError(`there is no state in ${stateDir} yet`, { exitCode: exitCodes.notFound, retryable: false })
  if (existsSync(file) && !replace)
    throw new PipelineError(`${file} exists`, {
      exitCode: exitCodes.conflict,
      retryable: false,
      hint: 'choose another name, or add --force',
    })
  const temporary = `${file}.${process.pid}.part`
  try {
    const { totalPages } = await copy(source, temporary)
    assertSound(temporary)
    renameSync(temporary, file)
    return { pages: totalPages }
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    throw new PipelineError(`backing up ${source} to ${file}: ${messageOf(cause)}`, { cause })
  } finally {
    rmSync(temporary, { force: true })
  }
}

async function copy(source: string, target: string): Promise<BetterSqlite3.BackupMetadata> {
  const database = openToRead(source, { timeoutMs: 10_000 })
  try {
    return await database.backup(target)
  } finally {
    database.close()
  }
}

function assertSound(file: string): void {
  const database = new BetterSqlite3(file)
  try {
    // A copy of one file: nothing of it may wait in a log beside it.
    database.pragma('journal_mode = DELETE')
    const found = database.pragma('integrity_check', { simple: true })
    if (found !== 'ok')
      throw new PipelineError(`the copy is damaged: ${String(found)}`, { hint: '`dag doctor` looks at the state itself' })
  } finally {
    database.close()
  }
}

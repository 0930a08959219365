/**
 * Names and places of everything in the lake. The only file that knows them.
 *
 *     _runs/<run_id>/<dataset>/<run_id>-00000.parquet
 *     _runs/<run_id>/_record_hashes/<entity>/<run_id>-00000.parquet
 *     _runs/<run_id>/_reports/   _runs/<run_id>/_manifest.json   _runs/.staging-<run_id>/
 *     active -> _runs/<run_id>   active__prev_<timestamp> -> _runs/<old run_id>
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'

/** A run id as it may stand in a path: the month, two underscores, the session. */
const runIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/

/** Whether a name can be that of a run. */
export function isRunId(name: string): boolean {
  return runIdPattern.test(name)
}

/** Refuses anything that could leave the lake or hide in it. */
export function assertRunId(runId: string): void {
  if (!isRunId(runId)) {
    throw new PipelineError(`run id ${JSON.stringify(runId)} is not valid: letters, digits, "_" and "-" only`, {
      exitCode: 2,
      retryable: false,
    })
  }
}

/** The directory that holds sealed and staged runs. */
export function runsDir(lakeDir: string): string {
  return join(lakeDir, '_runs')
}

/** Where a sealed run lies. */
export function runDir(lakeDir: string, runId: string): string {
  assertRunId(runId)
  return join(runsDir(lakeDir), runId)
}

/** Begins the name of every staging directory; the run id follows. */
export const stagingPrefix = '.staging-'

/** Where a run is written until it is sealed. */
export function stagingDir(lakeDir: string, runId: string): string {
  assertRunId(runId)
  return join(runsDir(lakeDir), `${stagingPrefix}${runId}`)
}

/** The sealed directory of a run, or its staging directory while it is not sealed yet. */
export function currentDir(lakeDir: string, runId: string): string {
  const sealed = runDir(lakeDir, runId)
  return existsSync(sealed) ? sealed : stagingDir(lakeDir, runId)
}

/** Reports of a run; the only part of it that stays writable after the seal. */
export function reportsDir(directory: string): string {
  return join(directory, '_reports')
}

/** Holds the hashes of records, one directory for each dump. Not a dataset: no engine shows it as a table. */
export const recordHashesName = '_record_hashes'

/** Where the record hashes of a dump are, relative to the run directory. */
export function recordHashesPath(dump: string): string {
  return `${recordHashesName}/${dump}`
}

/** The manifest of a run directory. */
export function manifestFile(directory: string): string {
  return join(directory, '_manifest.json')
}

/** Name of the `index`th data file of any dataset of a run. */
export function dataFileName(runId: string, index: number): string {
  return `${runId}-${String(index).padStart(5, '0')}.parquet`
}

/** The pointer that consumers read through. */
export function activeLink(lakeDir: string): string {
  return join(lakeDir, 'active')
}

/** What the pointer holds: a path relative to the lake. */
export function linkTarget(runId: string): string {
  assertRunId(runId)
  return `_runs/${runId}`
}

/** The run a link target names, or null if it is no such target. */
export function runIdOfTarget(target: string): string | null {
  const match = /^_runs\/([^/]+)\/?$/.exec(target)
  return match?.[1] !== undefined && runIdPattern.test(match[1]) ? match[1] : null
}

/** Data that belongs to no run. */
export function metaDir(lakeDir: string): string {
  return join(lakeDir, '_meta')
}

/** What the lock of all promotions is taken on. */
export function lockFile(lakeDir: string): string {
  return join(metaDir(lakeDir), 'lake.lock')
}

/** Records of promotions that were made without a scheduler. */
export function promotionsDir(lakeDir: string): string {
  return join(metaDir(lakeDir), 'promotions')
}

/** Begins the name of every link that keeps a run that was active; a UTC timestamp follows. */
export const prevLinkPrefix = 'active__prev_'

/** Begins the name of a directory in which the file system is tried. */
export const probePrefix = '.probe-'

/** Begins the name of the pointer while it is being made. */
export const newActivePrefix = '.active-'

/** A run belongs to the lake and the raw directory that it began with: no later command takes it elsewhere by accident. */
import { existsSync, realpathSync } from 'node:fs'
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { currentDir } from '../lake/layout.ts'
import type { RunRecord } from './store.ts'

/** Absolute. */
export interface Directories {
  readonly lakeDir: string
  readonly rawDir: string
}

type BoundRun = Pick<RunRecord, 'runId' | 'lakeDir' | 'rawDir'>
type Settings = Pick<Config, 'lakeDir' | 'rawDir' | 'explicitDirs'>

/** @throws PipelineError (exit 3) when the environment names another directory */
export function directoriesOf(run: BoundRun, settings: Settings): Directories {
  return { lakeDir: lakeOf(run, settings), rawDir: rawOf(run, settings) }
}

/**
 * The lake of a run: the recorded one; the one of the settings for a run that has none on record, or that was moved there with its lake.
 * @throws PipelineError (exit 3) when the environment names another lake
 */
export function lakeOf(run: BoundRun, settings: Omit<Settings, 'rawDir'>): string {
  const { runId, lakeDir } = run
  if (lakeDir === null || isSame(lakeDir, settings.lakeDir)) return settings.lakeDir
  const hasMoved = !existsSync(lakeDir) && existsSync(currentDir(settings.lakeDir, runId))
  if (hasMoved) return settings.lakeDir
  if (settings.explicitDirs.includes('lakeDir')) throw elsewhere(run, 'lake', 'DISCOGS_DATA_LAKE', [lakeDir, settings.lakeDir])
  return lakeDir
}

/** For commands that only look at what is on record: {@link lakeOf}, whatever the environment says. @param lakeDir that of the settings */
export function ownLakeOf(run: BoundRun, lakeDir: string): string {
  return lakeOf(run, { lakeDir, explicitDirs: [] })
}

function rawOf(run: BoundRun, settings: Settings): string {
  const { rawDir } = run
  if (rawDir === null || isSame(rawDir, settings.rawDir)) return settings.rawDir
  if (settings.explicitDirs.includes('rawDir')) throw elsewhere(run, 'raw directory', 'DISCOGS_RAW', [rawDir, settings.rawDir])
  return rawDir
}

/** Also by another name, through a link. */
function isSame(left: string, right: string): boolean {
  if (left === right) return true
  return existsSync(left) && existsSync(right) && realpathSync(left) === realpathSync(right)
}

function elsewhere(
  { runId }: BoundRun,
  what: string,
  variable: string,
  [recorded, given]: readonly [string, string],
): PipelineError {
  return new PipelineError(`run ${runId} belongs to the ${what} ${recorded}, but ${variable} is ${given}`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: `leave ${variable} unset to use the run's own; \`dag retry ${runId} --rebind\` moves the run to where the settings point`,
  })
}

/** Turns a run's staging directory into an immutable snapshot. Any part of it may be killed and started again. */
import { chmodSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { exitCodes, hasCode, messageOf, PipelineError } from '../errors.ts'
import { removeTemporaries, syncDirectory, syncFile } from './atomic-file.ts'
import { manifestFile, reportsDir, runDir, runsDir, stagingDir } from './layout.ts'
import { partialOf } from './partial.ts'
import { type Manifest, type ManifestDataset, type ManifestParts, readManifest, writeManifest } from './manifest.ts'
import { assertSame, compareSizes, type HashOptions, hashFiles, type RunEntry, runEntries, verifyManifest } from './run-files.ts'
import { readStageReports } from './read-stage-reports.ts'
import { describeStaged, type NamedDataset } from './staged-run.ts'

/** The instants of a seal, in their order, at which tests kill it. */
export const sealSteps = [
  'before-sync',
  'before-manifest',
  'after-manifest',
  'after-rename',
  'before-chmod',
  'half-chmod',
  'after-chmod',
] as const
export type SealStep = (typeof sealSteps)[number]

export interface SealOptions extends HashOptions {
  readonly reached?: (step: SealStep) => void
}

export interface SealedRun {
  readonly directory: string
  readonly manifest: Manifest
  /** False when the run was sealed already and at most lost its write permission now. */
  readonly sealedNow: boolean
}

/**
 * Seals a staged run: all of it to the disk, the manifest last, one rename to `_runs/<run_id>`, then write permission goes. A run that
 * is sealed already is verified and never written to. One process at a time for one run.
 * @throws PipelineError, not retryable, naming the file that does not belong there or is not what its stage reported
 */
export async function sealRun(
  lakeDir: string,
  runId: string,
  parts: ManifestParts,
  options: SealOptions = {},
): Promise<SealedRun> {
  const sealed = runDir(lakeDir, runId)
  const staging = stagingDir(lakeDir, runId)
  if (existsSync(sealed)) {
    if (existsSync(staging)) throw bothPresent(sealed, staging)
    return { directory: sealed, manifest: await finish(sealed, runId, options), sealedNow: false }
  }
  if (!existsSync(staging)) {
    throw new PipelineError(`sealing run ${runId}: there is no ${staging}`, { exitCode: exitCodes.notFound, retryable: false })
  }
  const { reached = () => {} } = options
  const manifest = await completeStaging(staging, runId, parts, options)
  renameSync(staging, sealed)
  reached('after-rename')
  syncDirectory(runsDir(lakeDir))
  // The first run of a lake has made `_runs` itself.
  syncDirectory(lakeDir)
  reached('before-chmod')
  // Its content was hashed a moment ago: names and sizes show what came in between.
  assertSame(sealed, compareSizes(sealed, manifest))
  protect(sealed, reached)
  return { directory: sealed, manifest, sealedNow: true }
}

async function completeStaging(staging: string, runId: string, parts: ManifestParts, options: SealOptions): Promise<Manifest> {
  const { reached = () => {} } = options
  removeTemporaries(manifestFile(staging))
  mkdirSync(reportsDir(staging), { recursive: true })
  const entries = runEntries(staging)
  const staged = describeStaged(staging, runId, entries, readStageReports(staging))
  reached('before-sync')
  const files = [...staged.datasets, ...staged.recordHashes].flatMap((dataset) => dataset.files)
  const hashes = await hashFiles(
    staging,
    files.map(({ path }) => path),
    options,
  )
  const hashed = (dataset: NamedDataset): ManifestDataset => ({
    ...dataset,
    files: dataset.files.map((file) => ({ ...file, sha256: hashes.get(file.path) ?? '' })),
  })
  syncAll(staging, entries)
  const partial = partialOf(parts.params)
  reached('before-manifest')
  writeManifest(staging, {
    ...parts,
    runId,
    inputs: staged.inputs,
    ...(staged.isGenerated ? { generated: true } : {}),
    ...(partial === null ? {} : { partial }),
    datasets: staged.datasets.map(hashed),
    ...(staged.recordHashVersion === null
      ? {}
      : { recordHashVersion: staged.recordHashVersion, recordHashes: staged.recordHashes.map(hashed) }),
  })
  reached('after-manifest')
  return readManifest(staging)
}

/** Reports first, then data, then the directories that name them, deepest first, then the run's own. */
function syncAll(directory: string, entries: readonly RunEntry[]): void {
  const reports = reportsDir(directory)
  for (const { path, kind } of runEntries(reports)) if (kind !== 'other') syncFile(join(reports, path))
  for (const { path, kind } of entries.toReversed()) if (kind !== 'other') syncFile(join(directory, path))
  syncDirectory(reports)
  syncDirectory(directory)
}

/** A run that was sealed before, perhaps by a process that was killed before it was done. */
async function finish(sealed: string, runId: string, options: SealOptions): Promise<Manifest> {
  const manifest = readManifest(sealed)
  if (manifest.runId !== runId)
    throw new PipelineError(`sealing run ${runId}: ${sealed} is of run ${manifest.runId}`, { retryable: false })
  assertSame(sealed, await verifyManifest(sealed, options))
  syncDirectory(dirname(sealed))
  protect(sealed, options.reached)
  return manifest
}

/** Removes write permission from everything but `_reports`. */
function protect(sealed: string, reached: (step: SealStep) => void = () => {}): void {
  try {
    const [directories, files] = [
      runEntries(sealed).filter(isDirectory),
      runEntries(sealed).filter((entry) => !isDirectory(entry)),
    ]
    for (const { path } of files) chmodSync(join(sealed, path), 0o444)
    chmodSync(manifestFile(sealed), 0o444)
    reached('half-chmod')
    for (const { path } of directories) chmodSync(join(sealed, path), 0o555)
    chmodSync(sealed, 0o555)
  } catch (cause) {
    // Sealed by another user: theirs to protect, and nothing of it is at risk.
    if (!hasCode(cause, 'EPERM'))
      throw new PipelineError(`removing write permission from ${sealed}: ${messageOf(cause)}`, { cause })
  }
  reached('after-chmod')
}

function isDirectory({ kind }: RunEntry): boolean {
  return kind === 'directory'
}

function bothPresent(sealed: string, staging: string): PipelineError {
  return new PipelineError(`${sealed} is sealed, yet ${staging} exists too`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: `a sealed run is never replaced: remove ${staging}, or use another session`,
  })
}

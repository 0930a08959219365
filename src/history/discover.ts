/** Finds the snapshots of a lake and judges each: what the registry is to say of it. Reads the lake alone, never the state of a scheduler. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { isGenerated } from '../lake/generated.ts'
import { isRunId, manifestFile, reportsDir, runDir } from '../lake/layout.ts'
import { type Manifest, readManifest } from '../lake/manifest.ts'
import { describePartial, isLimited } from '../lake/partial.ts'
import { namesIn } from '../lake/names-in.ts'
import { runsDirEntries } from '../lake/sealed-runs.ts'
import { isCounted, isGeneratedSnapshot, type RegisteredRun } from './records.ts'

const essential = datasets.filter((dataset) => dataset.essential)

/**
 * Every run directory that is not being written, in the order of {@link inOrder}.
 * @param hasReal whether the history knows a real snapshot that has left the lake
 */
export function discoverRuns(lakeDir: string, hasReal = false): readonly RegisteredRun[] {
  const found = runsDirEntries(lakeDir)
    .filter(isRunId)
    .flatMap((runId) => judgeWhole(lakeDir, runId) ?? [])
    .toSorted(inOrder)
  return hasReal || found.some(isReal) ? found.map((run) => (isExcluded(run) ? excluded(run) : run)) : found
}

/** Whether a snapshot makes its lake one of real months. */
export function isReal(run: RegisteredRun): boolean {
  return isCounted(run) && !isGeneratedSnapshot(run)
}

function isExcluded(run: RegisteredRun): boolean {
  return isCounted(run) && isGeneratedSnapshot(run)
}

/** As it stands in the history of a lake that has real months. */
export function excluded(run: RegisteredRun): RegisteredRun {
  return { ...run, state: 'excluded', reason: 'made from generated dumps, and the lake has real ones' }
}

/** Whether a run is still as it was when it was registered: what was read of it in between was read of a whole snapshot. */
export function isAsRegistered(lakeDir: string, { runId, manifestSha256 }: RegisteredRun): boolean {
  const now = judgeWhole(lakeDir, runId)
  return now?.state === 'registered' && now.manifestSha256 === manifestSha256
}

/**
 * Null when it goes away meanwhile: snapshots are moved away in one step, so what was seen of one that is there afterwards is the whole,
 * and what was missing from one that is not says nothing.
 */
function judgeWhole(lakeDir: string, runId: string): RegisteredRun | null {
  const isThere = (): boolean => existsSync(runDir(lakeDir, runId))
  try {
    const judged = judge(lakeDir, runId)
    return isThere() ? judged : null
  } catch (error) {
    if (isThere()) throw error
    return null
  }
}

/** By month, then by session: the order in which the world went on, whenever the runs were made. */
export function inOrder(left: RegisteredRun, right: RegisteredRun): number {
  const key = ({ dumpMonth, session, runId }: RegisteredRun): string => `${dumpMonth ?? ''} ${session} ${runId}`
  return key(left) < key(right) ? -1 : 1
}

function judge(lakeDir: string, runId: string): RegisteredRun {
  const dir = runDir(lakeDir, runId)
  const nothing = {
    runId,
    dumpMonth: null,
    session: '',
    manifestSha256: null,
    origin: null,
    rows: 0n,
    bytes: 0n,
    checksPassed: 0n,
    checksWarned: 0n,
  }
  try {
    const manifest = readManifest(dir)
    const files = manifest.datasets.flatMap((dataset) => dataset.files)
    const fault = faultOf(dir, manifest)
    const limited = isLimited(manifest) ? `it holds ${describePartial(manifest.partial ?? {})}` : null
    return {
      runId,
      dumpMonth: manifest.params['dump_month'] ?? null,
      session: manifest.session,
      state: fault !== null ? 'invalid' : limited === null ? 'registered' : 'excluded',
      reason: fault ?? limited,
      origin: isGenerated(manifest) ? 'generated' : 'real',
      manifestSha256: createHash('sha256')
        .update(readFileSync(manifestFile(dir)))
        .digest('hex'),
      rows: BigInt(manifest.datasets.reduce((sum, { rows }) => sum + rows, 0)),
      bytes: BigInt(files.reduce((sum, { bytes }) => sum + bytes, 0)),
      ...checksOf(dir),
    }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { ...nothing, state: 'invalid', reason: messageOf(error) }
  }
}

/** Why a snapshot cannot be measured; null when it can. Sizes are compared, not hashes: `dag doctor` and the seal do those. */
function faultOf(dir: string, manifest: Manifest): string | null {
  const named = new Set(manifest.datasets.map(({ name }) => name))
  const missing = essential.filter(({ name }) => !named.has(name) || !existsSync(join(dir, name))).map(({ name }) => name)
  if (missing.length > 0) return `required tables are missing: ${missing.join(', ')}`
  for (const { path, bytes } of manifest.datasets.flatMap(({ files }) => files)) {
    const size = statSync(join(dir, path), { throwIfNoEntry: false })?.size
    if (size === undefined) return `the manifest names ${path}, which is not there`
    if (size !== bytes) return `${path} has ${size} bytes, the manifest says ${bytes}`
  }
  return null
}

/** How the checks before the seal ended, by the files that they left in the run. */
function checksOf(dir: string): Pick<RegisteredRun, 'checksPassed' | 'checksWarned'> {
  const names = namesIn(reportsDir(dir)).filter((name) => name.startsWith('check_') && name.endsWith('.json'))
  const results = names.flatMap((name) => resultsIn(join(reportsDir(dir), name)))
  const passed = results.filter(({ ok }) => ok === true).length
  return { checksPassed: BigInt(passed), checksWarned: BigInt(results.length - passed) }
}

/** Reports stay writable after the seal: one that cannot be read says nothing about the data. */
function resultsIn(file: string): readonly { readonly ok?: unknown }[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(parsed) ? (parsed as { readonly ok?: unknown }[]) : []
  } catch {
    return []
  }
}

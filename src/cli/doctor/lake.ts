/** The lake: layout, permissions, what was left behind. */
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { messageOf } from '../../errors.ts'
import { isRunId, manifestFile, prevLinkPrefix, probePrefix, runDir, stagingPrefix } from '../../lake/layout.ts'
import { filesOf, type Manifest, readManifest } from '../../lake/manifest.ts'
import { newLinks } from '../../lake/pointer.ts'
import { runsDirEntries } from '../../lake/sealed-runs.ts'
import { isReadable } from '../../scheduler/store/health.ts'
import { readStore } from '../runs.ts'
import { type Finding, Findings, plural } from './finding.ts'

const ownEntries = new Set(['_runs', '_meta', 'active'])

export function examineLake(config: Config): readonly Finding[] {
  const findings = new Findings('lake')
  const { lakeDir } = config
  if (!existsSync(lakeDir)) {
    findings.none('layout', `${lakeDir} does not exist yet`, 'the first run makes it; DISCOGS_DATA_LAKE names it')
    return findings.list
  }
  if (!statSync(lakeDir).isDirectory()) {
    findings.wrong('layout', `${lakeDir} is no directory`, 'set DISCOGS_DATA_LAKE to a directory')
    return findings.list
  }
  examineLayout(findings, lakeDir)
  examineRuns(findings, lakeDir)
  examineStaging(findings, config)
  return findings.list
}

function examineLayout(findings: Findings, lakeDir: string): void {
  const links = new Set(newLinks(lakeDir))
  const strangers = readdirSync(lakeDir).filter(
    (name) =>
      !ownEntries.has(name) && ![prevLinkPrefix, probePrefix].some((prefix) => name.startsWith(prefix)) && !links.has(name),
  )
  const runs = runsDirEntries(lakeDir)
  const odd = runs.filter((name) => !isRunId(name) && !name.startsWith(stagingPrefix)).map((name) => `_runs/${name}`)
  findings.each('layout', {
    good: lakeDir,
    bad: [...strangers, ...odd].map((name) => `${name} does not belong there`),
    advice: `move it out of ${lakeDir}`,
  })
}

function examineRuns(findings: Findings, lakeDir: string): void {
  const runs = runsDirEntries(lakeDir).filter(isRunId)
  if (runs.length === 0) {
    findings.none('runs', 'nothing is sealed yet', '`npm start`, or `dag trigger main`')
    return
  }
  findings.each('runs', {
    good: `${plural(runs.length, 'sealed run')}, every file of the manifests is there in its size`,
    bad: runs.flatMap((runId) => runProblem(runId, runDir(lakeDir, runId))),
    advice: 'such a run must not be published: `rm -r` it (after `chmod -R u+w`) and run its session again',
  })
  findings.each('permissions', {
    good: 'sealed runs are read-only',
    bad: runs.filter((runId) => isWritable(runDir(lakeDir, runId))).map((runId) => `${runId} can be written`),
    advice: `chmod -R a-w ${join(lakeDir, '_runs')}/<run>, but for its _reports`,
  })
}

function runProblem(runId: string, directory: string): string[] {
  try {
    const damaged = damagedFiles(directory, readManifest(directory))
    return damaged.length === 0 ? [] : [`${runId}: ${damaged[0]}${damaged.length > 1 ? ` (and ${damaged.length - 1} more)` : ''}`]
  } catch (error) {
    return [`${runId}: ${messageOf(error)}`]
  }
}

/** By size alone: hashing a month takes minutes. */
function damagedFiles(directory: string, manifest: Manifest): readonly string[] {
  return filesOf(manifest).flatMap(({ path, bytes }) => {
    const found = statSync(join(directory, path), { throwIfNoEntry: false })
    if (found === undefined) return [`${path} is missing`]
    return found.size === bytes ? [] : [`${path} has ${found.size} bytes, ${bytes} were sealed`]
  })
}

/** The run directory, its dataset directories and the manifest; by mode, since root may write everywhere. */
function isWritable(directory: string): boolean {
  const datasets = readdirSync(directory, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== '_reports',
  )
  const paths = [directory, manifestFile(directory), ...datasets.map(({ name }) => join(directory, name))]
  return paths.some((path) => existsSync(path) && (lstatSync(path).mode & 0o222) !== 0)
}

function examineStaging(findings: Findings, config: Config): void {
  const entries = runsDirEntries(config.lakeDir)
  const staged = entries.filter((name) => name.startsWith(stagingPrefix)).map((name) => name.slice(stagingPrefix.length))
  if (staged.length === 0) {
    findings.ok('staging', 'nothing is left behind')
    return
  }
  if (!isReadable(config.stateDir)) return findings.none('staging', `${staged.join(', ')}; the state cannot be read as it is`)
  using store = readStore(config)
  for (const runId of staged) {
    const run = isRunId(runId) ? store.findRun(runId) : null
    const remove = `rm -r ${join(config.lakeDir, '_runs', stagingPrefix + runId)}`
    if (entries.includes(runId)) findings.wrong('staging', `${stagingPrefix}${runId} beside the sealed run`, remove)
    else if (run === null) findings.wrong('staging', `${stagingPrefix}${runId} of a run that this state does not know`, remove)
    else if (run.state === 'running') findings.none('staging', `${runId} is being written`)
    else findings.none('staging', `${runId}: the run is ${run.state}`, `\`dag retry ${runId}\` goes on with it; else ${remove}`)
  }
}

/** Node and the disks. */
import { accessSync, constants, readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { messageOf } from '../../errors.ts'
import { size } from '../output.ts'
import { existing } from './file-systems.ts'
import { type Finding, Findings } from './finding.ts'
import { monthNames } from './dumps.ts'

const leastNodeMajor = 24
/** As preflight reckons: Parquet, reports and the spill of the build take about twice the gzip bytes, never less than this. */
const diskFactor = 2
const minFreeBytes = 64 * 1024 * 1024

export function examineMachine(config: Config, nodeVersion: string = process.version): readonly Finding[] {
  return [...examineNode(nodeVersion), ...examineDisks(config)]
}

function examineNode(version: string): readonly Finding[] {
  const findings = new Findings('node')
  if (Number(/^v(\d+)/.exec(version)?.[1]) >= leastNodeMajor) findings.ok('version', `${version} (${process.execPath})`)
  else
    findings.wrong(
      'version',
      `${version}, at least ${leastNodeMajor} is needed`,
      'use `bin/dag`, which brings its own; or run `npm ci`',
    )
  return findings.list
}

function examineDisks(config: Config): readonly Finding[] {
  const findings = new Findings('disk')
  const needed = Math.max(minFreeBytes, diskFactor * newestMonthBytes(config.rawDir))
  const places = [
    ['lake', config.lakeDir, needed],
    ['state', config.stateDir, minFreeBytes],
  ] as const
  for (const [name, directory, neededBytes] of places) {
    const there = existing(directory)
    const { bavail, bsize } = statfsSync(there)
    const free = bavail * bsize
    const shown = `${directory}: ${size(free)} free`
    if (free >= neededBytes) findings.ok(`${name} space`, shown)
    else
      findings.wrong(
        `${name} space`,
        `${shown}, a run needs about ${size(neededBytes)}`,
        'free some space, or move the directory',
      )
    const problem = writeProblem(there)
    if (problem === null)
      findings.ok(`${name} writable`, there === directory ? directory : `${directory} can be made in ${there}`)
    else findings.wrong(`${name} writable`, problem, `give yourself write permission for ${there}`)
  }
  return findings.list
}

function writeProblem(directory: string): string | null {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK)
    return statSync(directory).isDirectory() ? null : `${directory} is no directory`
  } catch (error) {
    return messageOf(error)
  }
}

function newestMonthBytes(rawDir: string): number {
  const newest = monthNames(rawDir).at(-1)
  if (newest === undefined) return 0
  const files = readdirSync(join(rawDir, newest)).filter((name) => name.endsWith('.xml.gz'))
  return files.reduce((sum, name) => sum + statSync(join(rawDir, newest, name)).size, 0)
}

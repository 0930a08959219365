/** The file systems below lake and state: what they are called, and whether they can do what is asked of them. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../../config.ts'
import { probeFileSystem } from '../../lake/probe.ts'
import { type Finding, Findings } from './finding.ts'
import { fileSystemOf, isShared } from './mounts.ts'

export function examineFileSystems({ lakeDir, stateDir }: Config): readonly Finding[] {
  const findings = new Findings('disk')
  examineLake(findings, existing(lakeDir))
  examineState(findings, existing(stateDir))
  return findings.list
}

function examineLake(findings: Findings, directory: string): void {
  const name = fileSystemOf(directory) ?? 'a file system without a name'
  findings.each('lake file system', {
    good: `${name}: links, renames, permissions, locks and fsync work in ${directory}`,
    bad: probeFileSystem(directory).map((problem) => `${name} ${problem}`),
    advice: 'move the lake to a local disk with a POSIX file system, such as ext4, xfs or APFS',
  })
}

/** @param name of the file system, null when it is not known */
export function examineState(findings: Findings, directory: string, name = fileSystemOf(directory)): void {
  if (name === null) findings.none('state file system', `${directory} is on a file system without a name`)
  else if (!isShared(name)) findings.ok('state file system', `${name}: ${directory}`)
  else
    findings.warn(
      'state file system',
      `${directory} is on ${name}, where SQLite's write-ahead log can be corrupted`,
      'set DAG_STATE to a directory on a local disk',
    )
}

/** The directory itself, or the nearest one above it that exists. */
export function existing(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : existing(dirname(directory))
}

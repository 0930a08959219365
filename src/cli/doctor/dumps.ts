/** What lies in DISCOGS_RAW. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { dumps, isDumpFile } from '../../discogs/catalogue.ts'
import { hasCode, messageOf } from '../../errors.ts'
import { size } from '../output.ts'
import { type Finding, Findings, plural } from './finding.ts'

/** A download that was written to so recently is still going on. */
const freshMs = 10 * 60_000

export function examineDumps({ rawDir }: Config, now: Date): readonly Finding[] {
  const findings = new Findings('dumps')
  const problem = problemOf(rawDir)
  if (problem !== null) {
    findings.wrong('raw directory', `${rawDir} ${problem}`, 'DISCOGS_RAW names the directory of the dumps')
    return findings.list
  }
  const months = monthNames(rawDir)
  if (months.length === 0)
    findings.none(
      'months',
      `none in ${rawDir}`,
      `dag download --latest fetches one, or put its four files into ${rawDir}/<YYYY-MM>/; DISCOGS_RAW names the directory`,
    )
  for (const month of months) examineMonth(findings, rawDir, month, now)
  return findings.list
}

/** Why nobody can look into the raw directory, null when it can be listed or is not there yet. */
function problemOf(rawDir: string): string | null {
  try {
    readdirSync(rawDir)
    return null
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    return hasCode(error, 'ENOTDIR') ? 'is a file' : `cannot be listed: ${messageOf(error)}`
  }
}

/** Folders named like a month, sorted; none without the directory. */
export function monthNames(rawDir: string): readonly string[] {
  try {
    const entries = readdirSync(rawDir, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isFile() && /^\d{4}-\d{2}$/.test(entry.name))
      .map((entry) => entry.name)
      .toSorted()
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return []
    throw error
  }
}

function examineMonth(findings: Findings, rawDir: string, month: string, now: Date): void {
  const directory = join(rawDir, month)
  const names = readdirSync(directory).toSorted()
  const sizes = new Map(names.map((name) => [name, statSync(join(directory, name)).size]))
  const problems = dumps.flatMap(({ name: dump }) => {
    const files = names.filter((name) => isDumpFile(name, dump, month))
    if (files.length > 1) return [`${files.length} files of ${dump}: ${files.join(', ')}`]
    const [file] = files
    if (file === undefined) return [`no ${dump}`]
    return sizes.get(file) === 0 ? [`${file} is empty`] : []
  })
  const parts = names.filter((name) => name.endsWith('.part'))
  const isFresh = parts.some((name) => now.getTime() - statSync(join(directory, name)).mtimeMs < freshMs)
  const bytes = names.filter((name) => name.endsWith('.xml.gz')).reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0)
  const checksums = names.some((name) => name.endsWith('_CHECKSUM.txt')) ? 'with checksums' : 'without a CHECKSUM file'
  if (problems.length === 0) findings.ok(month, `complete, ${size(bytes)}, ${checksums}`)
  else if (isFresh) findings.none(month, `being downloaded: ${problems.join('; ')}`)
  else {
    const left = parts.length === 0 ? '' : `; ${plural(parts.length, 'unfinished download')}`
    findings.wrong(
      month,
      `${problems.join('; ')}${left}`,
      `dag download --month ${month} fetches what is missing; or put the whole month into ${directory}, or move it away`,
    )
  }
}

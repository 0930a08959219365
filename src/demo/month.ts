/** The dumps of the demo: generated once, never in the way of real ones. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import { writeJson } from '../lake/atomic-file.ts'
import { checksumFileName, generateDumps } from './generate.ts'

/**
 * No real month: its folder, its sessions and its run ids meet nobody's own. And a later one than any real month: a snapshot of
 * real dumps that follows it is never taken for one that was cut off.
 */
export const demoMonth = '2099-01'

const releases = 5_000

/** Raised when the generator writes other bytes for the same options. */
const generatorVersion = 1

/** Tells the generator's files from real ones; says which there are, by size in bytes. */
const markerName = '.generated.json'

/**
 * Generates the dumps in `directory`, unless they are there.
 * @returns false when they were there already
 * @throws PipelineError when the directory holds files that are not the generator's: they are never written over
 */
export async function ensureDumps(directory: string): Promise<boolean> {
  const marker = join(directory, markerName)
  if (existsSync(marker)) {
    if (isComplete(directory, readFileSync(marker, 'utf8'))) return false
  } else if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new PipelineError(`generating the dumps of the demo: ${directory} holds files that the generator did not make`, {
      hint: 'move them away, or set DISCOGS_RAW to another folder',
    })
  }
  mkdirSync(directory, { recursive: true })
  // Before the first dump is there: whatever a killed generator leaves is known as its own.
  writeJson(marker, { generatorVersion, releases, files: null })
  const dumps = await generateDumps({ directory, month: demoMonth, releases })
  const names = [...dumps.map((dump) => dump.path), join(directory, checksumFileName(demoMonth))]
  writeJson(
    marker,
    contentOf(
      directory,
      names.map((path) => path.slice(directory.length + 1)),
    ),
  )
  return true
}

function isComplete(directory: string, marker: string): boolean {
  const names = readdirSync(directory).filter((name) => name.startsWith('discogs_'))
  return names.length === 5 && marker === `${JSON.stringify(contentOf(directory, names), null, 2)}\n`
}

function contentOf(directory: string, names: readonly string[]): object {
  const sizes = names.toSorted().map((name) => [name, statSync(join(directory, name)).size] as const)
  return { generatorVersion, releases, files: Object.fromEntries(sizes) }
}

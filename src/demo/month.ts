/** The dumps of the demo: generated once, never in the way of real ones. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import { writeJson } from '../lake/atomic-file.ts'
import { checksumFileName, generateDumps, type WorldOptions } from './generate.ts'

/**
 * No real month: its folder, its sessions and its run ids meet nobody's own. And a later one than any real month: a snapshot of
 * real dumps that follows it is never taken for one that was cut off.
 */
export const demoMonth = '2099-01'

/** What a made-up month holds. */
export interface DemoMonth extends Pick<WorldOptions, 'revision' | 'isGone' | 'shape'> {
  /** `YYYY-MM` */
  readonly month: string
  readonly releases: number
}

/** The month of the demo and two that follow it: releases come, go and change, and at last there is an element that nobody knows yet. */
export const demoMonths: readonly [DemoMonth, DemoMonth, DemoMonth] = [
  { month: demoMonth, releases: 5_000 },
  {
    month: '2099-02',
    releases: 5_200,
    revision: (_, index) => (index % 40 === 0 ? 1 : 0),
    isGone: (dump, index) => dump === 'releases' && index % 500 === 9,
  },
  {
    month: '2099-03',
    releases: 5_450,
    revision: (_, index) => (index % 40 === 0 ? 1 : index % 25 === 0 ? 2 : 0),
    isGone: (dump, index) => dump === 'releases' && [9, 99].includes(index % 500),
    shape: 'tomorrow',
  },
]

/** Raised when the generator writes other bytes for the same options. */
const generatorVersion = 2

/** Tells the generator's files from real ones; says which there are, by size in bytes. */
const markerName = '.generated.json'

/**
 * Generates the dumps of a month in `directory`, unless they are there.
 * @returns false when they were there already
 * @throws PipelineError when the directory holds files that are not the generator's: they are never written over
 */
export async function ensureDumps(directory: string, demo: DemoMonth = demoMonths[0]): Promise<boolean> {
  const { month, releases } = demo
  const marker = join(directory, markerName)
  if (existsSync(marker)) {
    if (isComplete(directory, releases, readFileSync(marker, 'utf8'))) return false
  } else if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new PipelineError(`generating the dumps of the demo: ${directory} holds files that the generator did not make`, {
      hint: 'move them away, or set DISCOGS_RAW to another folder',
    })
  }
  mkdirSync(directory, { recursive: true })
  // Before the first dump is there: whatever a killed generator leaves is known as its own.
  writeJson(marker, { generatorVersion, releases, files: null })
  const dumps = await generateDumps({ ...demo, directory })
  const names = [...dumps.map((dump) => dump.path), join(directory, checksumFileName(month))]
  writeJson(
    marker,
    contentOf(
      directory,
      releases,
      names.map((path) => path.slice(directory.length + 1)),
    ),
  )
  return true
}

function isComplete(directory: string, releases: number, marker: string): boolean {
  const names = readdirSync(directory).filter((name) => name.startsWith('discogs_'))
  return names.length === 5 && marker === `${JSON.stringify(contentOf(directory, releases, names), null, 2)}\n`
}

function contentOf(directory: string, releases: number, names: readonly string[]): object {
  const sizes = names.toSorted().map((name) => [name, statSync(join(directory, name)).size] as const)
  return { generatorVersion, releases, files: Object.fromEntries(sizes) }
}

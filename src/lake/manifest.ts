/**
 * `_manifest.json`: what a sealed run was made from and consists of. It holds no clock value and its keys have one order, so the same
 * inputs, params and code give the same bytes.
 */
import { readFileSync } from 'node:fs'
// Not zod: loading that takes longer than listing the snapshots of a lake.
import * as v from 'valibot'
import { exitCodes, hasCode, messageOf, PipelineError } from '../errors.ts'
import { writeJson } from './atomic-file.ts'
import type { CodeVersion } from './code-version.ts'
import { manifestFile } from './layout.ts'
import type { Partial } from './partial.ts'
import type { StagedSource } from './stage-report.ts'

/** Raised when an older reader would misread the file. */
const formatVersion = 1

/** A dump file that the run read. */
export interface ManifestInput extends StagedSource {
  readonly dump: string
}

export interface ManifestFile {
  /** Relative to the run directory, with `/`. */
  readonly path: string
  readonly bytes: number
  readonly rows: number
  readonly sha256: string
}

export interface ManifestDataset {
  readonly name: string
  readonly rows: number
  /** Sorted by path. */
  readonly files: readonly ManifestFile[]
}

/** What seal is told of a run; the rest it finds in the directory. */
export interface ManifestParts {
  readonly dag: string
  /** The instant the run is for, UTC, `YYYY-MM-DD HH:MM:SS`. */
  readonly session: string
  readonly params: Readonly<Record<string, string>>
  readonly code: CodeVersion
}

export interface Manifest extends ManifestParts {
  readonly runId: string
  /** Sorted by dump. */
  readonly inputs: readonly ManifestInput[]
  /** Present when a dump was generated, not published by Discogs. */
  readonly generated?: true
  /** Present when the run holds part of its month. */
  readonly partial?: Partial
  /** Sorted by name. */
  readonly datasets: readonly ManifestDataset[]
  /**
   * Record hashes of two snapshots can be compared when this is the same in both. Absent, like {@link recordHashes}, from snapshots
   * that were sealed before hashes were stored.
   */
  readonly recordHashVersion?: string
  /** The hashes of the records of each dump, named like the dump. No datasets. Sorted by name. */
  readonly recordHashes?: readonly ManifestDataset[]
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const datasetShape = v.object({
  name: v.string(),
  rows: count,
  files: v.array(v.object({ path: v.string(), bytes: count, rows: count, sha256 })),
})
const manifestShape = v.object({
  format_version: v.literal(formatVersion),
  run_id: v.string(),
  dag: v.string(),
  session: v.string(),
  params: v.record(v.string(), v.string()),
  code: v.object({ version: v.string(), commit: v.nullable(v.string()) }),
  inputs: v.array(
    v.object({
      dump: v.string(),
      file: v.string(),
      bytes: count,
      // Null of a dump of which only the first records were read.
      sha256: v.nullable(sha256),
      first_records: v.exactOptional(count),
      verification: v.picklist(['verified', 'unverified']),
      download: v.exactOptional(v.object({ manifest: v.string(), url: v.string(), etag: v.nullable(v.string()) })),
    }),
  ),
  generated: v.exactOptional(v.literal(true)),
  partial: v.exactOptional(v.object({ limit: v.exactOptional(count) })),
  datasets: v.array(datasetShape),
  record_hash_version: v.exactOptional(v.string()),
  record_hashes: v.exactOptional(v.array(datasetShape)),
})

/** Every file of a run that the manifest covers. */
export function filesOf({ datasets, recordHashes = [] }: Manifest): readonly ManifestFile[] {
  return [...datasets, ...recordHashes].flatMap(({ files }) => files)
}

/** Writes the manifest of a run directory, atomically and durably. */
export function writeManifest(directory: string, manifest: Manifest): void {
  const { runId, dag, session, params, code, inputs, generated, partial, datasets, recordHashVersion, recordHashes } = manifest
  writeJson(manifestFile(directory), {
    format_version: formatVersion,
    run_id: runId,
    dag,
    session,
    params: Object.fromEntries(sortedBy(Object.entries(params), ([name]) => name)),
    code: { version: code.version, commit: code.commit },
    inputs: sortedBy(inputs, ({ dump }) => dump).map(inputOf),
    ...(generated === true ? { generated } : {}),
    ...(partial === undefined ? {} : { partial }),
    datasets: sortedBy(datasets, ({ name }) => name).map(datasetOf),
    ...(recordHashVersion === undefined ? {} : { record_hash_version: recordHashVersion }),
    ...(recordHashes === undefined ? {} : { record_hashes: sortedBy(recordHashes, ({ name }) => name).map(datasetOf) }),
  })
}

/**
 * The manifest of a sealed run directory.
 * @throws PipelineError, not retryable, naming the file: missing, unreadable or of another format
 */
export function readManifest(directory: string): Manifest {
  const path = manifestFile(directory)
  try {
    const parsed = v.parse(manifestShape, JSON.parse(readFileSync(path, 'utf8')))
    const {
      format_version: _,
      run_id: runId,
      record_hash_version: recordHashVersion,
      record_hashes: recordHashes,
      inputs,
      ...rest
    } = parsed
    return {
      runId,
      ...rest,
      inputs: inputs.map(readInput),
      ...(recordHashVersion === undefined ? {} : { recordHashVersion }),
      ...(recordHashes === undefined ? {} : { recordHashes }),
    }
  } catch (cause) {
    const missing = hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')
    const found = v.isValiError(cause) ? v.summarize(cause.issues) : messageOf(cause)
    throw new PipelineError(
      missing ? `${directory} is no sealed run: it has no manifest` : `the manifest ${path} cannot be read: ${found}`,
      {
        cause,
        retryable: false,
        exitCode: missing ? exitCodes.notFound : exitCodes.failed,
      },
    )
  }
}

function readInput({
  first_records: firstRecords,
  ...input
}: v.InferOutput<typeof manifestShape>['inputs'][number]): ManifestInput {
  return firstRecords === undefined ? input : { ...input, firstRecords }
}

function datasetOf({ name, rows, files }: ManifestDataset): ManifestDataset {
  const sorted = sortedBy(files, ({ path }) => path)
  return { name, rows, files: sorted.map(({ path, bytes, rows, sha256 }) => ({ path, bytes, rows, sha256 })) }
}

function inputOf({ dump, file, bytes, sha256, firstRecords, verification, download }: ManifestInput): object {
  const part = firstRecords === undefined ? {} : { first_records: firstRecords }
  const input = { dump, file, bytes, sha256, ...part, verification }
  if (download === undefined) return input
  const { manifest, url, etag } = download
  return { ...input, download: { manifest, url, etag } }
}

/** By code unit, whatever the locale. */
function sortedBy<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return items.toSorted((left, right) => (key(left) < key(right) ? -1 : 1))
}

/**
 * `_manifest.json`: what a sealed run was made from and consists of. It holds no clock value and its keys have one order, so the same
 * inputs, params and code give the same bytes.
 */
import { readFileSync } from 'node:fs'
import { exitCodes, hasCode, messageOf, PipelineError } from '../errors.ts'
import { writeJson } from './atomic-file.ts'
import type { CodeVersion } from './code-version.ts'
import { manifestFile } from './layout.ts'
import { count, fields, list, matching, nullable, oneOf, record, text } from './shape.ts'
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
  /** Sorted by name. */
  readonly datasets: readonly ManifestDataset[]
}

const sha256 = matching(/^[0-9a-f]{64}$/)
const manifestShape = fields({
  format_version: oneOf(formatVersion),
  run_id: text,
  dag: text,
  session: text,
  params: record(text),
  code: fields({ version: text, commit: nullable(text) }),
  inputs: list(
    fields(
      { dump: text, file: text, bytes: count, sha256, verification: oneOf('verified', 'unverified') },
      { download: fields({ manifest: text, url: text, etag: nullable(text) }) },
    ),
  ),
  datasets: list(fields({ name: text, rows: count, files: list(fields({ path: text, bytes: count, rows: count, sha256 })) })),
})

/** Writes the manifest of a run directory, atomically and durably. */
export function writeManifest(directory: string, manifest: Manifest): void {
  const { runId, dag, session, params, code, inputs, datasets } = manifest
  writeJson(manifestFile(directory), {
    format_version: formatVersion,
    run_id: runId,
    dag,
    session,
    params: Object.fromEntries(sortedBy(Object.entries(params), ([name]) => name)),
    code: { version: code.version, commit: code.commit },
    inputs: sortedBy(inputs, ({ dump }) => dump).map(inputOf),
    datasets: sortedBy(datasets, ({ name }) => name).map(({ name, rows, files }) => ({
      name,
      rows,
      files: sortedBy(files, ({ path }) => path).map(({ path, bytes, rows, sha256 }) => ({ path, bytes, rows, sha256 })),
    })),
  })
}

/**
 * The manifest of a sealed run directory.
 * @throws PipelineError, not retryable, naming the file: missing, unreadable or of another format
 */
export function readManifest(directory: string): Manifest {
  const path = manifestFile(directory)
  try {
    const { format_version: _, run_id: runId, ...rest } = manifestShape(JSON.parse(readFileSync(path, 'utf8')), '')
    return { runId, ...rest }
  } catch (cause) {
    const missing = hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')
    throw new PipelineError(
      missing ? `${directory} is no sealed run: it has no manifest` : `the manifest ${path} cannot be read: ${messageOf(cause)}`,
      {
        cause,
        retryable: false,
        exitCode: missing ? exitCodes.notFound : exitCodes.failed,
      },
    )
  }
}

function inputOf({ dump, file, bytes, sha256, verification, download }: ManifestInput): ManifestInput {
  const input = { dump, file, bytes, sha256, verification }
  if (download === undefined) return input
  const { manifest, url, etag } = download
  return { ...input, download: { manifest, url, etag } }
}

/** By code unit, whatever the locale. */
function sortedBy<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return items.toSorted((left, right) => (key(left) < key(right) ? -1 : 1))
}

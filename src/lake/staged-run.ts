/** What a staged run consists of, by its files and by its stage reports, which must agree to the byte. */
import { PipelineError } from '../errors.ts'
import { dataFileName, recordHashesPath } from './layout.ts'
import type { ManifestInput } from './manifest.ts'
import type { RunEntry } from './run-files.ts'
import type { NamedStageReport } from './read-stage-reports.ts'
import type { StagedDataset } from './stage-report.ts'

export interface StagedRun {
  readonly inputs: readonly ManifestInput[]
  /** Whether any dump was generated. */
  readonly isGenerated: boolean
  readonly datasets: readonly NamedDataset[]
  /** By dump. */
  readonly recordHashes: readonly NamedDataset[]
  /** Null when no stage has made hashes. Where stages made them differently, the version of none. */
  readonly recordHashVersion: string | null
}

export type NamedDataset = StagedDataset & { readonly name: string }

/** The magic number at both ends and a footer between them: no Parquet file is smaller. */
const minParquetBytes = 12

/**
 * @param entries of the staging directory
 * @throws PipelineError, not retryable, listing every entry that no stage reported, is not as reported, or is no data file of this run
 */
export function describeStaged(
  staging: string,
  runId: string,
  entries: readonly RunEntry[],
  reports: readonly NamedStageReport[],
): StagedRun {
  const datasets = reports.flatMap((report) =>
    Object.entries(report.datasets).map(([name, { rows, files }]) => ({ name, rows, files })),
  )
  const hashed = reports.flatMap(({ dump, recordHashes }) =>
    dump === undefined || recordHashes === undefined ? [] : [{ name: dump, ...recordHashes }],
  )
  const recordHashes = hashed.map(({ name, rows, files }) => ({ name, rows, files }))
  const stored = [...datasets, ...recordHashes.map((one) => ({ ...one, name: recordHashesPath(one.name) }))]
  const problems = [...twice(datasets.map(({ name }) => name)), ...contradictions(runId, entries, stored)]
  if (datasets.length === 0) problems.push('no stage has reported a dataset')
  if (problems.length > 0) {
    throw new PipelineError(
      `sealing ${staging}: it cannot become a snapshot:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
      {
        retryable: false,
        hint: 'remove what does not belong there; `dag retry` runs a stage again that wrote too little',
      },
    )
  }
  const inputs = reports.flatMap(({ dump, source }) => (dump === undefined || source === undefined ? [] : [{ dump, ...source }]))
  const isGenerated = reports.some(({ generated }) => generated === true)
  return { inputs, isGenerated, datasets, recordHashes, recordHashVersion: commonVersion(hashed) }
}

/** Stages of one run differ when the code has changed between them. */
function commonVersion(hashed: readonly { readonly version: string }[]): string | null {
  const versions = [...new Set(hashed.map(({ version }) => version))].toSorted()
  return versions.length === 0 ? null : versions.join('+')
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) => `${name}: reported by two stages`,
  )
}

function contradictions(runId: string, entries: readonly RunEntry[], datasets: StagedRun['datasets']): string[] {
  const directories = new Set(datasets.flatMap(({ name }) => [name, name.split('/')[0]]))
  const expected = new Map(datasets.flatMap(({ files }) => files.map((file) => [file.path, file.bytes] as const)))
  const problems: string[] = []
  for (const { path, kind, bytes } of entries) {
    const reported = expected.get(path)
    const found =
      kind === 'directory' ? directoryProblem(directories.has(path)) : fileProblem(runId, { path, kind, bytes }, reported)
    if (found !== null) problems.push(`${path}: ${found}`)
    expected.delete(path)
  }
  for (const { name, files } of datasets)
    if (files.length === 0) problems.push(`${name}: no file; a dataset without rows is one file with 0 rows`)
  for (const path of expected.keys()) problems.push(`${path}: reported, but missing`)
  return problems
}

function directoryProblem(reported: boolean): string | null {
  return reported ? null : 'a directory that no stage reported'
}

function fileProblem(runId: string, { path, kind, bytes }: RunEntry, reported: number | undefined): string | null {
  if (kind === 'other') return 'neither a file nor a directory'
  if (reported === undefined) return `an unexpected file of ${bytes} bytes`
  if (bytes < minParquetBytes) return `${bytes} bytes are no Parquet file`
  if (bytes !== reported) return `${bytes} bytes, ${reported} were reported`
  const index = /-(\d+)\.parquet$/.exec(path)?.[1]
  const name = path.slice(path.lastIndexOf('/') + 1)
  return index !== undefined && name === dataFileName(runId, Number(index))
    ? null
    : `expected a name like ${dataFileName(runId, 0)}`
}

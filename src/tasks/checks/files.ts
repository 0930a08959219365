/** Group `files`: is everything there, sound, of the right shape, and as much as was written? */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { hasCode } from '../../errors.ts'
import type { Check, Finding } from './check.ts'
import { type ParquetFooter, readFooter } from './parquet-footer.ts'
import type { CheckScope } from './scope.ts'
import { stagedDataset } from './stage-reports.ts'

export function fileChecks(scope: CheckScope): readonly Check[] {
  return [...datasets.flatMap((dataset) => datasetChecks(scope, dataset)), noUnknownDirectories(scope)]
}

function datasetChecks(scope: CheckScope, dataset: Dataset): readonly Check[] {
  const check = (question: string, expected: string, measure: () => Promise<Finding>): Check => {
    return { name: `files.${question}.${dataset.name}`, severity: 'CRITICAL', dataset: dataset.name, expected, measure }
  }
  const footers = once(() => readFooters(scope.directory, dataset))
  const checks = [
    check('present', 'Parquet files only, none empty', () => present(scope, dataset)),
    check('structure', 'every file a whole Parquet file', async () => structure(await footers())),
    check('schema', 'names, order and types of the catalogue', async () => schema(dataset, await footers())),
    check('rows', 'files and rows as reported by the task that wrote them', async () => rows(scope, dataset, await footers())),
  ]
  const notEmpty = async (): Promise<Finding> => {
    const value = total(await footers())
    return { value, ok: value > 0 }
  }
  return dataset.essential ? [...checks, check('not_empty', '> 0', notEmpty)] : checks
}

/** Footers of a dataset by file name, sorted. */
type Footers = ReadonlyMap<string, ParquetFooter>

async function readFooters(directory: string, { name }: Dataset): Promise<Footers> {
  const footers = new Map<string, ParquetFooter>()
  for (const file of await parquetFiles(join(directory, name))) footers.set(file, await readFooter(join(directory, name, file)))
  return footers
}

async function parquetFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.parquet')).toSorted()
}

/** Trino reads a file of 0 bytes as nothing at all and fails on every file that is not Parquet. */
async function present({ directory, problems }: CheckScope, { name }: Dataset): Promise<Finding> {
  const folder = join(directory, name)
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.parquet')).map((entry) => entry.name)
  const foreign = entries.filter((entry) => !files.includes(entry.name)).map((entry) => `${entry.name} is not a Parquet file`)
  const sizes = await Promise.all(files.map(async (file) => ({ file, size: (await stat(join(folder, file))).size })))
  const empty = sizes.filter(({ size }) => size === 0).map(({ file }) => `${file} is empty`)
  const problem = problems.get(name)
  const details = [...(problem === undefined ? [] : [problem]), ...foreign.toSorted(), ...empty.toSorted()]
  return { value: files.length, ok: files.length > 0 && details.length === 0, details: details.join(', ') }
}

function structure(footers: Footers): Finding {
  return { value: footers.size, ok: footers.size > 0 }
}

function schema({ columns }: Dataset, footers: Footers): Finding {
  const expected = columns.map(({ name, type }) => `${name} ${type}`)
  const differences = [...footers].flatMap(([file, footer]) => {
    const found = footer.columns.map(({ name, type }) => `${name} ${type}`)
    const at = Array.from({ length: Math.max(found.length, expected.length) }, (_, index) => index).find(
      (index) => found[index] !== expected[index],
    )
    return at === undefined ? [] : [`${file}: column ${at + 1} is ${found[at] ?? 'missing'} instead of ${expected[at] ?? 'none'}`]
  })
  return { value: columns.length, ok: differences.length === 0 && footers.size > 0, details: differences.join(', ') }
}

function rows({ reports }: CheckScope, dataset: Dataset, footers: Footers): Finding {
  const staged = stagedDataset(reports, dataset)
  const reported = new Map(staged.files.map((file) => [file.path.slice(file.path.lastIndexOf('/') + 1), file.rows]))
  const names = [...new Set([...footers.keys(), ...reported.keys()])].toSorted()
  const differences = names
    .filter((name) => footers.get(name)?.rows !== reported.get(name))
    .map((name) => `${name}: ${footers.get(name)?.rows ?? 'no'} rows in the file, ${reported.get(name) ?? 'none'} reported`)
  const value = total(footers)
  if (value !== staged.rows) differences.push(`${staged.rows} rows reported in all`)
  return { value, ok: differences.length === 0, details: differences.join(', ') }
}

function total(footers: Footers): number {
  return [...footers.values()].reduce((sum, footer) => sum + footer.rows, 0)
}

/** Names with `_` or `.` in front are the lake's own. */
function noUnknownDirectories({ directory }: CheckScope): Check {
  const measure = async (): Promise<Finding> => {
    const known = new Set(datasets.map(({ name }) => name))
    const names = (await readdir(directory)).filter((name) => !/^[._]/.test(name) && !known.has(name)).toSorted()
    return { value: names.length, ok: names.length === 0, details: names.join(', ') }
  }
  return { name: 'files.unknown_directories', severity: 'WARN', dataset: null, expected: '= 0', measure }
}

/** Runs `make` at the first call; later calls get the same outcome. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => (made ??= make())
}

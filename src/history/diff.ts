/**
 * What differs between two snapshots, row by row and column by column, computed by DuckDB in a bounded memory: a comparison goes
 * through ranges of the key, joins each range of both snapshots exactly, and keeps what changed as Parquet in a temporary directory.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes, PipelineError } from '../errors.ts'
import { DuckDbEngine } from '../sql/duckdb.ts'
import type { AnswerTable, SqlRow, SqlTable } from '../sql/engine.ts'
import { parquetRows } from '../sql/parquet-files.ts'
import { quoteIdentifier, quoteText } from '../sql/quote.ts'
import { comparableHashes, compareRecords, entities, type RecordChanges } from './record-hashes.ts'
import { datasetNames, isInteger, pairSides, type Pair, readSide, type Side, type Snapshot } from './diff/sides.ts'
import { slicesOf } from './diff/slices.ts'
import {
  afterName,
  beforeName,
  changeColumn,
  changeCounts,
  changedRows,
  countRepeatedKeys,
  pairedRows,
  repeatedKeys,
  type SliceOptions,
} from './diff/texts.ts'

export type { Snapshot } from './diff/sides.ts'

export type Change = 'added' | 'removed' | 'changed' | 'unchanged'

export interface DiffOptions {
  readonly before: Snapshot
  readonly after: Snapshot
  /** Made at the start, removed at the end. */
  readonly tempDirectory: string
  /** What DuckDB may take. */
  readonly memoryBytes: number
  readonly signal?: AbortSignal
  /** Told before each range of a dataset's keys how many of them are done. */
  readonly onProgress?: (dataset: string, done: number, total: number) => void
}

/** Null where a snapshot does not have the dataset. */
export interface DatasetDiff {
  readonly dataset: string
  readonly rowsBefore: bigint | null
  readonly rowsAfter: bigint | null
  readonly added: bigint | null
  readonly removed: bigint | null
  /** Rows with the same key and other values; 0 where a row has no identity but its values. */
  readonly changed: bigint | null
  /** What could not be compared, in words. */
  readonly notes: readonly string[]
}

/** Records of one entity, such as `releases`. */
export interface EntityDiff extends RecordChanges {
  readonly entity: string
}

export interface ColumnDiff {
  readonly column: string
  /** Rows that are on both sides with another value here; null when only one side has the column. */
  readonly changed: bigint | null
}

export interface ChangedRow {
  readonly change: Change
  readonly key: SqlRow
  /** The columns that are no key; null for a row that was not there. */
  readonly before: SqlRow | null
  readonly after: SqlRow | null
}

/** One dataset in detail. */
export interface DetailedDiff extends DatasetDiff {
  readonly key: readonly string[]
  readonly columns: readonly ColumnDiff[]
  /** The first rows of each kind by key. */
  readonly samples: readonly ChangedRow[]
}

/** How much of the memory DuckDB is told of: it counts its buffers, not everything it allocates. */
const countedShare = 0.6

/** A comparison of two snapshots. Counts, details and rows may be asked for in any order. */
export class SnapshotDiff implements AsyncDisposable {
  readonly #options: DiffOptions
  readonly #engine: DuckDbEngine

  private constructor(options: DiffOptions, engine: DuckDbEngine) {
    this.#options = options
    this.#engine = engine
  }

  static async open(options: DiffOptions): Promise<SnapshotDiff> {
    const { tempDirectory, memoryBytes, signal } = options
    // DuckDB makes its own directory, but not those above it.
    mkdirSync(tempDirectory, { recursive: true })
    const engine = await DuckDbEngine.open({
      memoryLimit: `${Math.floor((memoryBytes * countedShare) / 1e6)}MB`,
      tempDirectory: join(tempDirectory, 'spill'),
      ...(signal === undefined ? {} : { signal }),
    })
    return new SnapshotDiff(options, engine)
  }

  /** Datasets that either snapshot has. */
  datasets(): Promise<readonly string[]> {
    return datasetNames([this.#options.before, this.#options.after])
  }

  /** Rows of one dataset, counted. */
  async count(dataset: string): Promise<DatasetDiff> {
    const pair = await this.#pair(dataset)
    if (!('key' in pair)) return pair
    const counts = { added: 0n, removed: 0n, changed: 0n, unchanged: 0n }
    for await (const slice of this.#slices(pair)) {
      for (const { [changeColumn]: change, n } of await this.#engine.query(changeCounts(pair, slice)))
        counts[change as Change] += BigInt(String(n))
    }
    return datasetDiff(pair, counts)
  }

  /** Records of every entity that both snapshots have, counted: one has changed when any row of its datasets has. */
  async records(): Promise<readonly EntityDiff[]> {
    const { before, after } = this.#options
    const found: EntityDiff[] = []
    for (const entity of entities.keys()) {
      const hashes = await comparableHashes(this.#engine, entity, [before.dir, after.dir])
      if (hashes !== null) found.push({ entity, ...(await compareRecords(this.#engine, entity, hashes[0].text, hashes[1].text)) })
    }
    return found
  }

  /** @param samples how many rows of each kind to show */
  async detail(dataset: string, samples: number): Promise<DetailedDiff> {
    const pair = await this.#pair(dataset)
    if (!('key' in pair)) return { ...pair, key: [], columns: [], samples: [] }
    const source = await this.#keepChanges(pair)
    const [counts = {}] = await this.#engine.query(countColumns(pair, source))
    const count = (name: string): bigint => BigInt(String(counts[name] ?? 0))
    const ofKind = (change: Change): Promise<SqlTable> =>
      this.#engine.table(`SELECT * FROM ${source} WHERE ${changeColumn} = ${quoteText(change)} LIMIT ${samples}`)
    const sampled = [await ofKind('added'), await ofKind('removed'), await ofKind('changed')]
    return {
      ...datasetDiff(pair, { added: count('@added'), removed: count('@removed'), changed: count('@changed') }),
      key: pair.key.map(({ name }) => name),
      columns: pair.columns.map(({ name, isBefore, isAfter }) => ({
        column: name,
        changed: isBefore && isAfter ? count(name) : null,
      })),
      samples: sampled.flatMap(({ columns, rows }) => rows.map((row) => changedRow(pair, columns, row))),
    }
  }

  /** The rows of one entity on both sides, also the unchanged ones. @throws PipelineError (exit 4) when neither has any */
  async entity(dataset: string, key: string): Promise<readonly ChangedRow[]> {
    const pair = await this.#both(dataset)
    const options = await this.#prepare(pair, await this.#entityCondition(pair, key))
    const { columns, rows } = await this.#engine.table(pairedRows(pair, options))
    return rows.map((row) => changedRow(pair, columns, row))
  }

  /**
   * Every changed row, with the columns {@link writeChanges} describes, in batches.
   * @param key of one entity; then its unchanged rows too
   */
  async *changes(dataset: string, key: string | null, signal: AbortSignal): AsyncGenerator<AnswerTable> {
    yield* this.#engine.stream(await this.#changeSet(dataset, key), signal)
  }

  /**
   * Writes the whole change set to a new Parquet file: the key columns, `change`, then `<column>_before` and `<column>_after` of every
   * other column (NULL where there is none), sorted by key.
   * @returns rows written
   */
  async writeChanges(dataset: string, key: string | null, file: string): Promise<number> {
    return this.#engine.copyToParquet({ name: `changes of ${dataset}`, text: await this.#changeSet(dataset, key) }, file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]()
    rmSync(this.#options.tempDirectory, { recursive: true, force: true })
  }

  async #changeSet(dataset: string, key: string | null): Promise<string> {
    const pair = await this.#both(dataset)
    if (key === null) return `SELECT * FROM ${await this.#keepChanges(pair)}`
    return pairedRows(pair, await this.#prepare(pair, await this.#entityCondition(pair, key)))
  }

  /** @returns what there is to say of a dataset that only one snapshot has, or none */
  async #pair(dataset: string): Promise<Pair | DatasetDiff> {
    const { before, after } = this.#options
    const [old, current] = [await readSide(this.#engine, before, dataset), await readSide(this.#engine, after, dataset)]
    if (old !== null && current !== null) {
      return pairSides(dataset, old, current, { before: before.runId, after: after.runId })
    }
    const sides: readonly (readonly [Snapshot, Side | null])[] = [
      [before, old],
      [after, current],
    ]
    return {
      dataset,
      rowsBefore: old?.rows ?? null,
      rowsAfter: current?.rows ?? null,
      added: null,
      removed: null,
      changed: null,
      notes: sides.flatMap(([{ runId }, side]) => (side === null ? [`not in ${runId}`] : [])),
    }
  }

  /** @throws PipelineError (exit 4) when a snapshot does not have the dataset */
  async #both(dataset: string): Promise<Pair> {
    const pair = await this.#pair(dataset)
    if ('key' in pair) return pair
    throw notFound(`${dataset} cannot be compared row by row: it is ${pair.notes.join(', ')}`)
  }

  async *#slices(pair: Pair): AsyncGenerator<SliceOptions> {
    const { memoryBytes, onProgress } = this.#options
    const slices = await slicesOf(this.#engine, pair, memoryBytes)
    for (const [done, slice] of slices.entries()) {
      onProgress?.(pair.dataset, done, slices.length)
      yield await this.#prepare(pair, slice)
    }
  }

  async #prepare(pair: Pair, slice: string): Promise<SliceOptions> {
    if (pair.isWholeRow) return { slice, hasRepeats: false }
    await this.#engine.execute(repeatedKeys(pair, slice))
    const [counted] = await this.#engine.query(countRepeatedKeys)
    return { slice, hasRepeats: counted?.['n'] !== 0n }
  }

  /** Keeps the changes of every slice in a file. @returns a table expression over all of them */
  async #keepChanges(pair: Pair): Promise<string> {
    const { tempDirectory } = this.#options
    const files: string[] = []
    for await (const slice of this.#slices(pair)) {
      const file = join(tempDirectory, `changes-${files.length}.parquet`)
      await this.#engine.copyToParquet({ name: `changes of ${pair.dataset}`, text: changedRows(pair, slice) }, file)
      files.push(file)
    }
    return parquetRows(files).sql
  }

  /** Chooses the rows whose first key column is `key`. */
  async #entityCondition(pair: Pair, key: string): Promise<string> {
    const name = pair.key[0]?.name ?? ''
    const column = quoteIdentifier(name)
    const isNumber = isInteger(pair.before.types.get(name)) && isInteger(pair.after.types.get(name))
    if (isNumber && !/^-?\d{1,18}$/.test(key)) {
      throw new PipelineError(`--key ${key}: ${name} of ${pair.dataset} is a whole number`, {
        exitCode: exitCodes.usage,
        retryable: false,
      })
    }
    const literal = isNumber ? key : quoteText(key)
    const both = [pair.before, pair.after].map(({ source }) => `SELECT ${column} AS k FROM ${source}`).join(' UNION ALL ')
    const distance = isNumber ? `abs(k - (${literal}))` : `levenshtein(CAST(k AS VARCHAR), ${literal})`
    const [nearest] = await this.#engine.query(
      `SELECT CAST(arg_min(k, ${distance}) AS VARCHAR) AS k FROM (${both}) WHERE k IS NOT NULL`,
    )
    if (nearest?.['k'] === key) return `${column} = ${literal}`
    const hint = nearest?.['k'] === null ? 'it has no rows' : `the nearest is ${String(nearest?.['k'])}`
    throw notFound(`${pair.dataset} has no row of ${name} ${key} in either snapshot`, hint)
  }
}

function notFound(message: string, hint?: string): PipelineError {
  return new PipelineError(message, {
    exitCode: exitCodes.notFound,
    retryable: false,
    ...(hint === undefined ? {} : { hint }),
  })
}

function datasetDiff(
  { dataset, before, after, notes }: Pair,
  { added, removed, changed }: { readonly added: bigint; readonly removed: bigint; readonly changed: bigint },
): DatasetDiff {
  return { dataset, rowsBefore: before.rows, rowsAfter: after.rows, added, removed, changed, notes }
}

/** One row: how many rows of each kind, and how many changed rows have another value, by column. */
function countColumns({ columns }: Pair, source: string): string {
  const kinds = ['added', 'removed', 'changed'].map(
    (kind) => `count(*) FILTER (${changeColumn} = '${kind}') AS ${quoteIdentifier(`@${kind}`)}`,
  )
  const changed = columns.map(({ name }) => {
    const [old, current] = [quoteIdentifier(beforeName(name)), quoteIdentifier(afterName(name))]
    return `count(*) FILTER (${changeColumn} = 'changed' AND ${old} IS DISTINCT FROM ${current}) AS ${quoteIdentifier(name)}`
  })
  return `SELECT ${[...kinds, ...changed].join(', ')} FROM ${source}`
}

function changedRow(pair: Pair, names: readonly string[], row: SqlTable['rows'][number]): ChangedRow {
  const byName: SqlRow = Object.fromEntries(names.map((name, index) => [name, row[index] ?? null]))
  const change = byName[changeColumn] as Change
  const pick = (columns: Pair['columns'], nameOf: (name: string) => string): SqlRow =>
    Object.fromEntries(columns.map(({ name }) => [name, byName[nameOf(name)] ?? null]))
  const old = pair.columns.filter(({ isBefore }) => isBefore)
  const current = pair.columns.filter(({ isAfter }) => isAfter)
  return {
    change,
    key: pick(pair.key, (name) => name),
    before: change === 'added' ? null : pick(old, beforeName),
    after: change === 'removed' ? null : pick(current, afterName),
  }
}

/** Finds what nobody needs any more in the lake, the raw directory and the state, and removes it. */
import { existsSync } from 'node:fs'
import { judgeMonths, type RawFile, type RawKeep, removeMonth } from '../download/old-months.ts'
import { readManifest } from '../lake/manifest.ts'
import { findGarbage, type Findings, type Garbage, type Keep, removeGarbage, stagedRunOf, withBytes } from '../lake/retention.ts'
import type { OldFiles, RunBook } from '../lake/run-book.ts'
import { sealedRuns } from '../lake/sealed-runs.ts'
import { HistoryRuns } from './history-needs.ts'

/** How much stays. */
export interface RetentionRules {
  /** The newest snapshots. */
  readonly keep: number
  /** Months of published snapshots; null: all. */
  readonly keepPublished: number | null
  /** Whether unpublished snapshots that the history has measured may go. */
  readonly measured: boolean
  /** Months of dumps; null: all. */
  readonly rawMonths: number | null
  readonly stagingDays: number
  readonly logDays: number
}

export interface RetentionScene {
  readonly lakeDir: string
  readonly rawDir: string
  readonly book: RunBook
  readonly now: Date
  /** Tests kill the process here. */
  readonly reached?: (step: string) => void
}

const dayMs = 86_400_000

/** One search, and the removal of what it has found. */
export class Collection {
  readonly garbage: readonly Garbage[]
  readonly kept: Findings['kept']
  readonly logs: readonly OldFiles[]
  readonly #scene: RetentionScene
  readonly #history: HistoryRuns
  readonly #keep: Keep
  readonly #raw: RawKeep | null
  readonly #logsBefore: Date

  private constructor(scene: RetentionScene, rules: RetentionRules, history: HistoryRuns) {
    this.#scene = scene
    this.#history = history
    this.#keep = keepOf(scene, rules, history)
    this.#raw = rules.rawMonths === null ? null : rawKeepOf(scene, rules.rawMonths, this.#keep)
    this.#logsBefore = new Date(scene.now.getTime() - rules.logDays * dayMs)
    const lake = existsSync(scene.lakeDir) ? findGarbage(scene.lakeDir, this.#keep) : { garbage: [], kept: [] }
    const raw = this.#raw === null ? { candidates: [], kept: [] } : judgeMonths(scene.rawDir, this.#raw)
    // Dumps first: they are old beside their snapshot, which may go as well.
    this.garbage = [...raw.candidates.map(withBytes), ...lake.garbage]
    this.kept = [...lake.kept, ...raw.kept]
    this.logs = scene.book.oldLogs(this.#logsBefore)
  }

  /** @throws PipelineError when the history cannot be read, or a directory cannot be listed */
  static async find(scene: RetentionScene, rules: RetentionRules): Promise<Collection> {
    const history = new HistoryRuns(scene.lakeDir)
    await history.refresh()
    return new Collection(scene, rules, history)
  }

  /** @returns paths of what was removed: some of it may have come to be needed since it was found */
  async remove(): Promise<readonly string[]> {
    const removed: string[] = []
    for (const one of this.garbage) {
      await this.#history.refresh()
      if (this.#removeOne(one)) removed.push(one.path)
    }
    const { book } = this.#scene
    return [...removed, ...this.logs.filter((one) => book.removeLogs(one, this.#logsBefore)).map(({ path }) => path)]
  }

  #removeOne(one: Garbage): boolean {
    const { lakeDir, rawDir } = this.#scene
    return one.kind === 'raw' && this.#raw !== null
      ? removeMonth(rawDir, one, this.#raw)
      : removeGarbage(lakeDir, one, this.#keep)
  }
}

function keepOf({ book, now, reached }: RetentionScene, rules: RetentionRules, history: HistoryRuns): Keep {
  return {
    newest: rules.keep,
    published: rules.keepPublished,
    measured: rules.measured,
    stagingMs: rules.stagingDays * dayMs,
    now,
    history,
    book,
    ...(reached === undefined ? {} : { reached }),
  }
}

function rawKeepOf({ lakeDir, book, reached }: RetentionScene, newest: number, keep: Keep): RawKeep {
  return {
    newest,
    neededBy: (month, files) => dumpsNeededBy(lakeDir, month, files, keep),
    exclusively: (work) => book.exclusively(work),
    ...(reached === undefined ? {} : { reached }),
  }
}

/** Why the dumps of a month must stay; null when a sealed snapshot was made from exactly these files and no run reads them. */
function dumpsNeededBy(lakeDir: string, month: string, files: readonly RawFile[], keep: Keep): string | null {
  const running = keep.book.runOfMonth(month)
  if (running !== null) return `run ${running} reads it`
  const staged = stagedRunOf(lakeDir, month, keep)
  if (staged !== null) return `run ${staged} is not sealed and may be resumed`
  const sealed = sealedRuns(lakeDir).runs.filter(({ dumpMonth }) => dumpMonth === month)
  if (sealed.length === 0) return 'no snapshot of this month is sealed'
  const inputs = sealed.flatMap(({ dir }) => readManifest(dir).inputs)
  const unread = files.find(({ name, bytes }) => !inputs.some((input) => input.file === name && input.bytes === bytes))
  return unread === undefined ? null : `no sealed snapshot was made from ${unread.name}`
}

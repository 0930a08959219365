/** Which snapshots the history has registered, and of which it has its numbers. */
import { messageOf, PipelineError } from '../errors.ts'
import { registerEvents } from '../history/event-views.ts'
import { eventFiles, latest } from '../history/events.ts'
import { historyDir } from '../history/places.ts'
import { registeredRuns } from '../history/registry.ts'
import type { HistoryNeeds } from '../lake/retention.ts'

/** The registry and the KPIs, read again when events were added. */
export class HistoryRuns implements HistoryNeeds {
  readonly #lakeDir: string
  registered: ReadonlySet<string> = new Set()
  measured: ReadonlySet<string> = new Set()
  /** Event files are only ever added: the same names, the same content. */
  #files: readonly string[] = []

  constructor(lakeDir: string) {
    this.#lakeDir = lakeDir
  }

  /** @throws PipelineError when there is a registry and it cannot be read: then nobody knows which snapshots may go */
  async refresh(): Promise<void> {
    if (this.isCurrent()) return
    const files = this.#eventFiles()
    const { registered, measured } = await readHistory(this.#lakeDir)
    this.registered = registered
    this.measured = measured
    this.#files = files
  }

  isCurrent(): boolean {
    const files = this.#eventFiles()
    return files.length === this.#files.length && files.every((file, index) => file === this.#files[index])
  }

  #eventFiles(): readonly string[] {
    return [...eventFiles(this.#lakeDir, 'run_registry_events'), ...eventFiles(this.#lakeDir, 'kpi_snapshot_events')]
  }
}

async function readHistory(lakeDir: string): Promise<Pick<HistoryNeeds, 'registered' | 'measured'>> {
  // Loaded when it is needed: the engine would slow the start of every other command.
  const { DuckDbEngine } = await import('../sql/duckdb.ts')
  try {
    await using engine = await DuckDbEngine.open()
    await registerEvents(engine, lakeDir)
    const runs = await registeredRuns(engine)
    const rows = await latest(engine, 'kpi_snapshot_latest', ['run_id', 'manifest_sha256'])
    const numbers = new Set(rows.map((row) => `${row['run_id']} ${row['manifest_sha256']}`))
    // Unsound and excluded snapshots are never measured.
    const isDone = runs.filter(
      ({ runId, state, manifestSha256 }) => state !== 'registered' || numbers.has(`${runId} ${manifestSha256}`),
    )
    return { registered: new Set(runs.map(({ runId }) => runId)), measured: new Set(isDone.map(({ runId }) => runId)) }
  } catch (cause) {
    throw new PipelineError(`the registry of the history in ${historyDir(lakeDir)} cannot be read: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      hint: 'snapshots that it refers to must stay, so nothing is removed',
    })
  }
}

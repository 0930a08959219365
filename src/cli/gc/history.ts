/** Which runs the history refers to. */
import { messageOf, PipelineError } from '../../errors.ts'
import { registerEvents } from '../../history/event-views.ts'
import { eventFiles } from '../../history/events.ts'
import { historyDir } from '../../history/places.ts'
import { registeredRuns } from '../../history/registry.ts'

/** What the registry says, read again when something was added to it. */
export class HistoryRuns {
  readonly #lakeDir: string
  runs: ReadonlySet<string> = new Set()
  /** Files are only ever added to the registry: the same names, the same content. */
  #files: readonly string[] = []

  constructor(lakeDir: string) {
    this.#lakeDir = lakeDir
  }

  /** @throws PipelineError when there is a registry and it cannot be read: then nobody knows what may go */
  async refresh(): Promise<void> {
    if (this.isCurrent()) return
    const files = this.#registry()
    this.runs = await registered(this.#lakeDir)
    this.#files = files
  }

  /** Whether nothing was added since it was read. */
  isCurrent(): boolean {
    const files = this.#registry()
    return files.length === this.#files.length && files.every((file, index) => file === this.#files[index])
  }

  #registry(): readonly string[] {
    return eventFiles(this.#lakeDir, 'run_registry_events')
  }
}

async function registered(lakeDir: string): Promise<ReadonlySet<string>> {
  // Loaded when it is needed: the engine would slow the start of every other command.
  const { DuckDbEngine } = await import('../../sql/duckdb.ts')
  try {
    await using engine = await DuckDbEngine.open()
    await registerEvents(engine, lakeDir)
    return new Set((await registeredRuns(engine)).map(({ runId }) => runId))
  } catch (cause) {
    throw new PipelineError(`the registry of the history in ${historyDir(lakeDir)} cannot be read: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      hint: 'what it refers to must stay, so nothing is removed',
    })
  }
}

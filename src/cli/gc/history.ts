/** Which runs the history refers to. */
import { messageOf, PipelineError } from '../../errors.ts'
import { eventFiles, registerEvents } from '../../history/events.ts'
import { historyDir } from '../../history/places.ts'
import { registeredRuns } from '../../history/registry.ts'

/** @throws PipelineError when there is a registry and it cannot be read: then nobody knows what may go */
export async function historyRuns(lakeDir: string): Promise<ReadonlySet<string>> {
  if (eventFiles(lakeDir, 'run_registry_events').length === 0) return new Set()
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

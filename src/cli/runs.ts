import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { openStore, type Store } from '../scheduler/store.ts'

/** The state for questions. */
export function readStore(config: Config): Store {
  return openStore(config.stateDir, { readonly: true })
}

/** A run id as given, or the newest run for `latest`. @throws PipelineError (exit 4) */
export function runIdOf(store: Store, given: string): string {
  if (given !== 'latest') return store.run(given).runId
  const [newest] = store.runs({ limit: 1 })
  if (newest !== undefined) return newest.runId
  throw new PipelineError('there are no runs yet', {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: '`npm start` makes one, or `dag trigger main`',
  })
}

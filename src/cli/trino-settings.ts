/** The Trino server that a command asks. */
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { lostServer } from '../infra/server-record.ts'
import type { TrinoSettings } from '../sql/trino.ts'

/** @throws PipelineError: exit 4 when the local server is gone, exit 2 when there never was one */
export function trinoSettings({ trino, localTrino }: Config, hint = ''): TrinoSettings {
  if (trino !== null) return trino
  const lost = lostServer(localTrino.stateDir)
  if (lost !== null) {
    throw new PipelineError(
      `the local Trino server (pid ${lost.pid}, started ${lost.startedAt}) is gone; it was not stopped by \`dag\``,
      {
        exitCode: exitCodes.notFound,
        retryable: false,
        hint: `\`dag infra start\` starts it again with its tables; then run this command again${hint}`,
      },
    )
  }
  throw new PipelineError('no Trino server is set up: TRINO_URL is not set, and no local server runs', {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: `set TRINO_URL, or start a server with \`dag infra start\`${hint}`,
  })
}

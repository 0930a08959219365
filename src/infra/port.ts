/** Ports of this machine that a server may listen on. */
import { createServer } from 'node:net'
import { exitCodes, hasCode, messageOf, PipelineError } from '../errors.ts'

/** @throws PipelineError when somebody listens there already (exit 3), or nobody may (exit 2) */
export async function requireFree(port: number): Promise<void> {
  try {
    await listenOnce(port)
  } catch (error) {
    const isTaken = hasCode(error, 'EADDRINUSE')
    throw new PipelineError(
      isTaken
        ? `another program listens on port ${port}, so the Trino server cannot be started there`
        : `the Trino server cannot listen on port ${port}: ${messageOf(error)}`,
      {
        exitCode: isTaken ? exitCodes.conflict : exitCodes.usage,
        retryable: false,
        hint: 'set TRINO_PORT to another port, or unset it to have one chosen; TRINO_URL names a server that runs already',
        cause: error,
      },
    )
  }
}

/** A port that nobody uses now. */
export function choosePort(): Promise<number> {
  return listenOnce(0)
}

function listenOnce(port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer()
  server.once('error', reject).listen(port, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
  })
  return promise
}

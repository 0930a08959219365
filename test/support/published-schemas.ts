/** `discogs` and `discogs_stable` are one for all that ask a server: test files that make them take turns. */
import { join } from 'node:path'
import { withLock } from '../../src/infra/lock.ts'
import { testStateDir } from './trino-server.ts'

/** Waits for its turn. @returns what ends it */
export async function publishedSchemas(): Promise<() => void> {
  const turn = Promise.withResolvers<void>()
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  const holding = withLock(join(testStateDir(), 'published-schemas.lock'), { onWait: () => {}, signal: undefined }, () => {
    turn.resolve()
    return over
  })
  holding.catch(turn.reject)
  await turn.promise
  return end
}

/**
 * The one real Trino server of all tests. Test files run in processes of their own and at the same time: the first that asks starts it
 * (or fetches it, on a bare machine), the others wait and use it too; `node test/support/stop-trino-server.ts` stops it after the last.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { localSettings, startTrino } from '../../src/infra/trino-server.ts'
import type { TrinoSettings } from '../../src/sql/trino.ts'

/** Starts in half the time, which small tables are worth. */
export const testJvm = '-XX:+UseSerialGC -XX:TieredStopAtLevel=1'

/** Outside the repository, and another one for every checkout: their metastores must not meet. */
export function testStateDir(): string {
  const { cacheDir } = loadConfig().localTrino
  return join(cacheDir, 'test-trino', import.meta.dirname.replaceAll(/\W+/g, '-'))
}

/**
 * Starts the server, or finds it. Schemas are shared by all test files: each makes its own, see {@link ownSchema}.
 * @throws PipelineError on a machine where it cannot run: set TRINO_TESTS=skip there
 */
export async function trinoServer(): Promise<TrinoSettings> {
  const { cacheDir, javaHome, fileSystem } = loadConfig().localTrino
  const server = await startTrino({
    settings: { cacheDir, javaHome, jvm: testJvm, fileSystem, stateDir: testStateDir(), port: null, heapMb: 1024 },
    lakeDir: join(tmpdir(), 'no-lake'),
    say: (line) => process.stderr.write(`trino for tests: ${line}\n`),
  })
  return localSettings(server)
}

/** For the options of `test`: why the tests with a server are left out, false when they are not. */
export const skipTrino: string | false =
  process.env['TRINO_TESTS'] === 'skip' ? 'TRINO_TESTS=skip: nothing is said about a Trino server' : false

/** A schema name that no other test file, and no earlier run, uses. */
export function ownSchema(name: string): string {
  return `test_${name}_${process.pid}_${Date.now().toString(36)}`
}

/** Stops the server of the tests of this checkout, if it runs. */
import { stopTrino } from '../../src/infra/trino-server.ts'
import { testStateDir } from './trino-server.ts'

await stopTrino(testStateDir())

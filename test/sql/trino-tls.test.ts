/** Who may ask, and over which wire: a real server with TLS, passwords and tokens. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { PipelineError } from '../../src/errors.ts'
import { TrinoEngine, type TrinoSettings } from '../../src/sql/trino.ts'
import { skipTrino as skip } from '../support/trino-server.ts'
import { startTlsServer, type TlsServer } from '../support/trino-tls-server.ts'

let server: TlsServer

describe('a server with TLS', { skip }, () => {
  before(async () => {
    server = await startTlsServer()
  })
  after(() => server?.[Symbol.asyncDispose]())

  const open = (changes: Partial<TrinoSettings> = {}): Promise<TrinoEngine> =>
    TrinoEngine.open({ ...server.settings, ...changes }, { patienceMs: 300 })
  const asked = async (changes: Partial<TrinoSettings> = {}): Promise<unknown> => {
    await using engine = await open(changes)
    return (await engine.table('SELECT current_user')).rows
  }
  const withToken = (jwt: string, user = ''): Partial<TrinoSettings> => ({ jwt, user, password: null })

  async function refused(changes: Partial<TrinoSettings>): Promise<PipelineError> {
    const error: unknown = await open(changes).then(
      () => null,
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof PipelineError, String(error))
    assert.doesNotMatch(JSON.stringify([error.message, error.cause, error.hint]), /right :|Basic |Bearer /)
    return error
  }

  test('the right password is taken, over a connection that the private authority vouches for', async () => {
    assert.deepEqual(await asked(), [['anna']])
  })

  test('an answer of many pages comes over it', async () => {
    await using engine = await open()
    const { rows } = await engine.table(
      'SELECT x FROM UNNEST(sequence(1, 9999)) AS t(x) CROSS JOIN UNNEST(sequence(1, 20)) AS u(y)',
    )
    assert.equal(rows.length, 199_980)
  })

  test('without TRINO_CA_FILE the certificate is refused, before anything is sent', async () => {
    assert.match((await refused({ caFile: null })).message, /cannot be asked: .*certificate/)
  })

  test('a name that the certificate does not bear is refused', async () => {
    const url = server.settings.url.replace('127.0.0.1', 'localhost')
    assert.match((await refused({ url })).message, /cannot be asked: .*(altnames|ECONNREFUSED)/)
  })

  test('a wrong password, a wrong user and none at all are clear errors that are not tried again', async () => {
    for (const changes of [{ password: 'wrong' }, { user: 'bert' }, { password: null }]) {
      const { message, hint, retryable } = await refused(changes)
      assert.match(message, /answers HTTP 401/)
      assert.deepEqual([hint, retryable], ['check TRINO_USER, and TRINO_PASSWORD or TRINO_JWT', false])
    }
  })

  test('a token is taken; one of another key, or one that is over, is not', async () => {
    assert.deepEqual(await asked(withToken(server.jwt)), [['anna']])
    const [header, , signature] = server.jwt.split('.')
    const forged = Buffer.from(JSON.stringify({ sub: 'root' })).toString('base64url')
    assert.match((await refused(withToken(`${header}.${forged}.${signature}`))).message, /answers HTTP 401/)
  })

  test('neither password nor token goes over http, also not to a server that would take the statement', async () => {
    assert.match((await refused({ url: server.clearUrl })).message, /TRINO_PASSWORD would be sent to http:.* in the clear/)
    const token = { ...withToken(server.jwt), url: server.clearUrl }
    assert.match((await refused(token)).message, /TRINO_JWT would be sent to http:.* in the clear/)
  })

  test('a wrong catalog is told by name, with those that there are', async () => {
    const { message, hint } = await refused({ catalog: 'hvie' })
    assert.match(message, /has no catalog hvie/)
    assert.match(hint ?? '', /there are: system/)
  })
})

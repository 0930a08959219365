import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { deliverNotices } from '../../src/scheduler/notify.ts'
import { parseSession } from '../../src/scheduler/session.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { Lab, lab, runId } from './harness.ts'

const kinds = ['failure', 'recovery', 'missed', 'success']
const failing = lab(({ task }) => void task('flaky', { args: ['1000', '2'] }))
const later = (hours: number) => () => new Date(Date.now() + hours * 3_600_000)

function states(store: Store): readonly string[] {
  return store.notices.deliveries(10).map(({ kind, channel, state, tries }) => `${kind} ${channel} ${state} ${tries}`)
}

test('a command is told of a failure and of the recovery, in its environment and on its stdin', async () => {
  using made = new Lab()
  await made.trigger(failing)
  await made.retry()
  const file = join(made.dir, 'told')
  const command = `echo "$DAG_NOTICE_TITLE" >> ${file}; cat >> ${file}; echo >> ${file}`
  using store = openStore(made.config.stateDir)
  assert.deepEqual(store.notices.nextAt(), new Date(0), 'at once, whenever the clock was read')
  assert.equal(await deliverNotices(store.notices, { command, webhook: null, kinds }, store.now), 0)
  assert.equal(store.notices.nextAt(), null)
  assert.deepEqual(states(store), ['recovery command sent 1', 'failure command sent 1'])
  const [title, json = '', ...rest] = readFileSync(file, 'utf8').trim().split('\n')
  assert.deepEqual([title, rest[0]], ['failure: lab 2026-01-20 20:55:49', 'recovery: lab 2026-01-20 20:55:49'])
  const { at, ...facts } = JSON.parse(json)
  assert.match(at, /^\d{4}-/)
  const session = '2026-01-20 20:55:49'
  assert.deepEqual(facts, { kind: 'failure', dag: 'lab', session, run: runId, attempt: 1, reason: 'failed: flaky' })
  assert.equal(await deliverNotices(store.notices, { command, webhook: null, kinds }, store.now), 0)
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 4, 'nobody is told twice')
})

test('a webhook that fails is tried again later, and what nobody wants to know is not sent', async () => {
  using made = new Lab()
  const received: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push(JSON.parse(body).kind)
      response.writeHead(received.length === 1 ? 503 : 204).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const settings = { command: null, webhook: `http://127.0.0.1:${port}/`, kinds: ['failure'] }
  await made.trigger(failing)
  await made.trigger(
    lab(({ task }) => void task('quick')),
    { session: parseSession('2026-02-20') },
  )
  {
    using store = openStore(made.config.stateDir)
    assert.equal(await deliverNotices(store.notices, settings, store.now), 1)
    assert.equal(await deliverNotices(store.notices, settings, store.now), 0)
    assert.deepEqual(states(store), ['failure webhook pending 1'])
  }
  using store = openStore(made.config.stateDir, { now: later(1) })
  assert.equal(await deliverNotices(store.notices, settings, store.now), 0)
  server.close()
  assert.deepEqual([received, states(store)], [['failure', 'failure'], ['failure webhook sent 2']])
})

test('a command that fails is given up in the end, with its complaint on record', async () => {
  using made = new Lab()
  await made.trigger(failing)
  const settings = { command: 'echo "no mail today" >&2; exit 3', webhook: null, kinds }
  for (let hour = 0; hour < 10; hour += 1) {
    using store = openStore(made.config.stateDir, { now: later(hour * 2) })
    await deliverNotices(store.notices, settings, store.now)
  }
  using store = openStore(made.config.stateDir)
  assert.deepEqual(states(store), ['failure command given_up 8'])
  assert.equal(store.notices.deliveries(1)[0]?.error, 'exit code 3: no mail today')
})

test('nothing in a notice is interpreted by a shell', async () => {
  using made = new Lab()
  await made.trigger(failing)
  const pwned = join(made.dir, 'pwned')
  using store = openStore(made.config.stateDir)
  store.marks.mark(
    { runId, attempt: 1, taskId: 'flaky' },
    { from: 'failed', to: 'success', reason: `$(touch ${pwned}); \`touch ${pwned}\``, run: { from: 'failed', to: 'success' } },
  )
  await made.retry({ redo: { taskId: 'flaky', downstream: true } })
  await deliverNotices(store.notices, { command: 'eval true "$DAG_NOTICE_KIND"', webhook: null, kinds }, store.now)
  assert.equal(existsSync(pwned), false)
})

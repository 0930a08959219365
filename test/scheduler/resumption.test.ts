import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hopelessness, maxResumptions } from '../../src/scheduler/resumption.ts'
import type { EventRecord } from '../../src/scheduler/store.ts'

type Kind = 'begins' | 'adopted' | 'stopped' | 'died' | 'succeeds' | 'fails' | 'task fails'

const kinds: Readonly<Record<Kind, Pick<EventRecord, 'subject' | 'fromState' | 'toState' | 'detail'>>> = {
  begins: { subject: 'attempt', fromState: null, toState: 'running', detail: 'resumed' },
  adopted: { subject: 'attempt', fromState: 'running', toState: 'running', detail: 'scheduler died: pid 1 goes on' },
  stopped: { subject: 'run', fromState: 'running', toState: 'cancelled', detail: 'stopped by SIGTERM' },
  died: { subject: 'run', fromState: 'running', toState: 'failed', detail: 'scheduler died' },
  succeeds: { subject: 'try', fromState: 'running', toState: 'success', detail: 'exit code 0 and a result' },
  fails: { subject: 'run', fromState: 'running', toState: 'failed', detail: 'failed: build' },
  'task fails': { subject: 'try', fromState: 'running', toState: 'failed', detail: 'exit code 1' },
}

function events(...given: readonly Kind[]): readonly EventRecord[] {
  const common = { at: '2026-01-01T00:00:00.000Z', runId: 'r', attempt: 1, taskId: null, tryNumber: null }
  return given.map((kind, index) => Object.assign({ id: index + 1 }, common, kinds[kind]))
}

const times = (count: number, ...kind: readonly Kind[]): readonly Kind[] => Array.from({ length: count }, () => kind).flat()

test('a run is resumed by itself so many times, however it was interrupted', () => {
  const begun = times(maxResumptions, 'begins', 'stopped')
  assert.equal(hopelessness(events(...begun)), null)
  assert.match(hopelessness(events(...begun, 'begins', 'stopped')) ?? '', /^given up: resumed 5 times by itself, and no task/)
  assert.match(hopelessness(events('begins', ...times(maxResumptions, 'adopted', 'task fails'))) ?? '', /^given up/)
  assert.match(hopelessness(events(...times(maxResumptions + 1, 'begins', 'died'))) ?? '', /^given up/)
})

test('a task that succeeds, or a person who resumes it, gives it as many again', () => {
  const vain = times(maxResumptions + 1, 'begins', 'stopped')
  assert.equal(hopelessness(events(...vain, 'begins', 'succeeds', 'stopped')), null)
  assert.equal(hopelessness(events(...vain, 'fails', 'begins', 'died')), null)
})

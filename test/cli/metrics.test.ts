import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeMetrics } from '../../src/cli/metrics.ts'
import { metricsText } from '../../src/scheduler/metrics.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { standardTimetable } from '../../src/scheduler/timetable.ts'
import { Lab, lab } from '../scheduler/harness.ts'

test('the metrics of a state are one whole file with every family', async () => {
  using made = new Lab()
  await made.trigger(lab(({ task }) => void task('quick', { args: ['3'] })))
  using store = openStore(made.config.stateDir)
  store.schedules.put('lab', { ...standardTimetable, cron: '0 6 20 * *' }, new Date('2027-01-20T06:00:00Z'))
  const file = join(made.dir, 'lab.prom')
  writeMetrics(file, store)
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
  assert.match(lines[0] ?? '', /^dag_last_success_timestamp_seconds\{dag="lab"\} \d{10}\.\d+$/)
  assert.match(lines[1] ?? '', /^dag_last_success_duration_seconds\{dag="lab"\} \d+(\.\d+)?$/)
  assert.match(lines[2] ?? '', /^dag_rows\{dag="lab",dataset="\w+"\} 3$/)
  assert.deepEqual(lines.slice(3), [
    'dag_failed_runs{dag="lab"} 0',
    'dag_last_run_failed{dag="lab"} 0',
    'dag_deferred_runs{dag="lab"} 0',
    'dag_next_slot_timestamp_seconds{dag="lab"} 1800424800',
    '',
  ])
  assert.deepEqual(
    readdirSync(made.dir).filter((name) => name.includes('prom')),
    ['lab.prom'],
  )
})

test('labels are escaped as the format asks for, and what is not known is left out', () => {
  const text = metricsText([
    {
      dag: 'a"b\\c\nd',
      lastSuccess: null,
      durationSeconds: null,
      rows: {},
      failedRuns: 1,
      isLastFailed: true,
      deferredRuns: 1,
      nextSlot: null,
    },
  ])
  assert.deepEqual(
    text.split('\n').filter((line) => !line.startsWith('#') && line !== ''),
    [
      'dag_failed_runs{dag="a\\"b\\\\c\\nd"} 1',
      'dag_last_run_failed{dag="a\\"b\\\\c\\nd"} 1',
      'dag_deferred_runs{dag="a\\"b\\\\c\\nd"} 1',
    ],
  )
})

/** A run that was interrupted and resumed, and a script without a scheduler: both end with the same bytes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore, type TryRecord } from '../../src/scheduler/store.ts'
import { dag, eventually, listing, month, outcomeOf, outcomeShape, Place, sh, startDag } from './support.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

const runId = `${month}__20260420_060000`
const request = ['main', '--session', '2026-04-20 06:00:00', '--param', `dump_month=${month}`]
const otherLake = join(place.dir, 'other-lake')

test('SIGINT during ingest ends with 130, cancels the run and leaves no process behind; retry completes it', async () => {
  await place.generate()
  const child = startDag(['trigger', ...request], place.env)
  const ended = outcomeOf(child)
  await eventually('reading a dump', () => (isReading() ? true : null))
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  assert.equal(code, 130, stdout + stderr)
  assert.match(stderr, /SIGINT: stopping the tasks/)
  assert.match(stdout, new RegExp(`run ${runId} . cancelled`))
  assert.deepEqual(
    tries().filter((one) => one.endedAt === null || isAlive(one.pid)),
    [],
  )

  const cancelled = tries()
    .filter((one) => one.state !== 'success')
    .map((one) => one.taskId)
  // On a busy machine the last ingest may have ended before the signal came.
  assert.ok(cancelled.length > 0 && cancelled.every((id) => id.startsWith('ingest.') || id === 'build'), cancelled.join(', '))
  assert.equal(existsSync(place.runDir(runId)), false)
  const retried = await place.json(outcomeShape, 'retry', runId)
  assert.equal(retried.state, 'success')
  assert.deepEqual(
    retried.tasks
      .filter((task) => task.carriedFrom !== null)
      .map((task) => task.taskId)
      .slice(0, 5),
    ['preflight', ...['releases', 'masters', 'labels', 'artists'].map((dump) => `download.${dump}`)],
  )
})

test('the compiled script, without any scheduler state, gives the same files and manifest byte for byte', async () => {
  const { code, stdout, stderr } = await script('dev', await compiled())
  assert.equal(code, 0, stderr)
  assert.match(stdout, /promote: skipped: guardrail: .*run_mode is dev, not prod/)
  assert.match(stdout, new RegExp(`done: run ${runId}\n$`))
  assert.deepEqual(sealed(otherLake), sealed(place.lakeDir))
  assert.equal(existsSync(join(otherLake, 'active')), false)
})

test('a script asked to publish does so when the recorded check results let it, and reports on what it published', async () => {
  // Run, session and commands are those of the run that the script above has just sealed; what is left to do starts at promote.
  const text = await compiled('--param', 'run_mode=prod', '--param', 'allow_promote=true')
  const [head, tail] = [text.indexOf('\nexport TASK_ID=preflight\n'), text.indexOf('\nexport TASK_ID=promote\n')]
  assert.ok(head > 0 && tail > head, text)
  const rest = text.slice(0, head) + text.slice(tail)
  const results = join(otherLake, '_runs', runId, '_reports/check_keys.json')
  const sound = readFileSync(results, 'utf8')
  writeFileSync(results, sound.replace('"ok": true', '"ok": false').replace(/"severity": "\w+"/, '"severity": "CRITICAL"'))
  const refused = await script('prod', rest)
  assert.equal(refused.code, 78)
  assert.match(refused.stderr, /the gate of run .* is closed: keys\./)
  assert.equal(existsSync(join(otherLake, 'active')), false)

  writeFileSync(results, sound)
  const { code, stdout, stderr } = await script('prod', rest)
  assert.equal(code, 0, stderr)
  assert.match(stdout, new RegExp(`active moved to ${runId}[^]*report: run [^]*done: run ${runId}\n$`))
  assert.equal(readlinkSync(join(otherLake, 'active')), `_runs/${runId}`)
  const { stdout: active } = await dag(['active'], { ...place.env, DISCOGS_DATA_LAKE: otherLake })
  assert.match(active, /since .*, promote by .*\nwhy .*\d+ checks, 0 critical/)
})

async function compiled(...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.dag('compile', ...request, ...more, '--format', 'sh')
  assert.equal(code, 0, stderr)
  return stdout
}

/** Runs a script in the other lake, and without DAG_STATE. */
function script(name: string, text: string): ReturnType<typeof sh> {
  const { DAG_STATE: _, ...rest } = place.env
  const file = join(place.dir, `${name}.sh`)
  writeFileSync(file, text)
  return sh(file, { ...rest, DISCOGS_DATA_LAKE: otherLake })
}

/** What the seal covers: everything of the run but its reports. */
function sealed(lakeDir: string): Readonly<Record<string, string>> {
  const entries = Object.entries(listing(join(lakeDir, '_runs', runId))).filter(([name]) => !name.startsWith('_reports'))
  assert.ok(entries.some(([name]) => name === '_manifest.json') && entries.some(([name]) => name.endsWith('.parquet')))
  return Object.fromEntries(entries)
}

function isReading(): boolean {
  if (!existsSync(join(place.stateDir, 'scheduler.db'))) return false
  const all = tries()
  // The first ingest does not wait for the dumps of the others.
  if (all.filter((one) => one.taskId.startsWith('download.') && one.state === 'success').length < 4) return false
  return all.some((one) => one.taskId.startsWith('ingest.') && one.endedAt === null && textOf(one.logFile).includes('reading '))
}

function tries(): readonly TryRecord[] {
  using store = openStore(place.stateDir, { readonly: true })
  return store.findSession('main', '2026-04-20 06:00:00') === null ? [] : store.tries(runId)
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && process.kill(pid, 0)
  } catch {
    return false
  }
}

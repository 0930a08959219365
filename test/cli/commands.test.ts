import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { z } from 'zod'
import { type Outcome, Place } from './support.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

const commands = [
  'list', 'show', 'check', 'compile', 'download', 'trigger', 'backfill', 'schedule', 'pause', 'unpause', 'notify', 'retry', 'cancel', 'wake', 'mark', 'runs', 'status', 'tasks', 'logs', 'explain', 'active', 'promote', 'rollback', 'sql', 'diff',
  'gc', 'state', 'doctor', 'trino', 'infra',
] // biome-ignore format: a list of words

/** Commands that must be refused: the arguments, the exit code, what stderr says. */
const refusals: readonly (readonly [title: string, args: readonly string[], code: number, says: readonly RegExp[]])[] = [
  ['no arguments at all', [], 2, [/Usage: dag/, /Exit codes:/]],
  ['a misspelt command', ['lst'], 2, [/unknown command 'lst'/, /Did you mean list\?/]],
  ['a misspelt option', ['list', '--jsn'], 2, [/unknown option '--jsn'/, /Did you mean --json\?/]],
  ['a missing argument', ['trigger'], 2, [/missing required argument 'dag'/]],
  ['an argument too many', ['show', 'main', 'main'], 2, [/too many arguments/]],
  ['an unknown format', ['compile', 'main', '--format', 'shh'], 2, [/'shh' is invalid/, /json, mermaid, sh/]],
  ['an unknown dag to show', ['show', 'man'], 4, [/there is no dag "man"/, /did you mean "main"\?/]],
  ['an unknown dag to run', ['trigger', 'man'], 4, [/there is no dag "man"/, /did you mean "main"\?/]],
  ['a path as a dag', ['check', '../dags/main'], 4, [/there is no dag "..\/dags\/main"/]],
  ['a params file as a dag', ['compile', 'params'], 4, [/there is no dag "params"/]],
  ['a run where none are', ['status', '2026-04__20260420_060000'], 4, [/there is no run/, /there are no runs yet/]],
  ['latest where no runs are', ['tasks', 'latest'], 4, [/there are no runs yet/, /npm start/]],
  ['logs where no runs are', ['logs', 'latest', 'build'], 4, [/there are no runs yet/]],
  ['to retry a run that never was', ['retry', 'nope'], 4, [/there is no run nope/]],
  ['to publish a run that never was', ['promote', '../x'], 4, [/there is no run ..\/x/]],
  ['to roll back where nothing is', ['rollback'], 4, [/hint:/]],
  ['active where nothing is published', ['active', '--json'], 4, [/nothing is published in/, /npm start/]],
  ['a query where nothing is published', ['sql', 'select 1'], 4, [/nothing is published in/]],
  ['a query of a run without data', ['sql', 'select 1', '--run', 'nope'], 4, [/run nope has no data/, /dag runs/]],
  ['a query of a run that leaves the lake', ['sql', 'select 1', '--run', '../x'], 2, [/run id "..\/x" is not valid/]],
  ['words as a session', ['trigger', 'main', '--session', 'tomorrow'], 2, [/session "tomorrow" is not an instant/, /hint:/]],
  ['a day no calendar has', ['compile', 'main', '--session', '2026-02-30'], 2, [/session "2026-02-30" is not an instant/]],
  [
    'a backfill that ends before it begins',
    ['backfill', 'main', '--from', '2026-02', '--to', '2026-01'],
    2,
    [/--from 2026-02 is after --to 2026-01/],
  ],
  [
    'a backfill of no month',
    ['backfill', 'main', '--from', '2026-13', '--to', '2027-01'],
    2,
    [/"2026-13" is no month and no day/],
  ],
  ['a backfill of an unknown dag', ['backfill', 'man', '--from', '2026-01', '--to', '2026-02'], 4, [/did you mean "main"\?/]],
  ['to cancel a run that never was', ['cancel', '$(id)'], 4, [/there is no run \$\(id\)/]],
  ['to mark without a reason', ['mark', 'latest', 'build', 'success'], 2, [/--reason <text>' not specified/]],
  ['to explain where no runs are', ['explain', 'latest', 'build'], 4, [/there are no runs yet/]],
  ['a limit that is no number', ['runs', '--limit', 'ten'], 2, [/a whole number from 1 is expected/]],
  ['a param without a value', ['trigger', 'main', '--param', 'run_mode'], 2, [/name=value is expected/]],
  [
    'a misspelt param',
    ['trigger', 'main', '--param', 'dump_mnth=2026-04'],
    2,
    [/dump_mnth: there is no such param; did you mean "dump_month"\?/, /dag show main/],
  ],
  [
    'several bad values, all at once',
    ['trigger', 'main', '--param', 'quarantine_cap=-1', '--param', 'allow_promote=maybe', '--param', 'run_mode=live'],
    2,
    [/allow_promote=maybe: expected true or false/, /quarantine_cap=-1: expected a whole number/, /run_mode=live: /],
  ],
  [
    'a month that leaves its folder',
    ['trigger', 'main', '--param', 'dump_month=../x'],
    2,
    [/dump_month=..\/x: expected a month, YYYY-MM/],
  ],
  ['a percentage beyond 100', ['compile', 'main', '--param', 'orphan_percent=101'], 2, [/orphan_percent=101: expected a number/]],
]

describe('dag', { concurrency: 3 }, () => {
  test('its help shows every command, the exit codes and an example', async () => {
    const { code, stdout, stderr } = await place.dag('--help')
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.deepEqual(
      [...stdout.matchAll(/^ {2}([a-z]+) (?:\[options\]|<|\[| )/gm)].flatMap(([, name]) => (name === 'help' ? [] : [name])),
      commands,
    )
    assert.match(stdout, /Exit codes: 0 success/)
    assert.match(stdout, /Examples:\n {2}dag trigger main/)
  })

  for (const command of commands) {
    test(`the help of ${command} shows its usage and options`, async () => {
      const { code, stdout, stderr } = await place.dag(command, '--help')
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      assert.match(stdout, new RegExp(`^Usage: (dag )?${command} `))
      assert.match(stdout, /Options:|Examples?:/)
    })
  }

  for (const [title, args, expected, says] of refusals) {
    test(`${title}: exit ${expected}, and the message helps`, async () => {
      const { code, stdout, stderr } = await place.dag(...args)
      assert.deepEqual({ code, stdout }, { code: expected, stdout: '' }, stderr)
      for (const pattern of says) assert.match(stderr, pattern)
      assert.doesNotMatch(stderr, /\n {4}at /, 'a stack says nothing to an operator')
    })
  }

  test('list --json gives the dags', async () => {
    const dags = await place.json(z.array(z.record(z.string(), z.unknown())), 'list')
    assert.deepEqual(
      dags.map(({ dag, schedule, tasks, about }) => ({ dag, schedule, tasks, about: typeof about })),
      [
        { dag: 'gc', schedule: '0 6 21 * *', tasks: 1, about: 'string' },
        { dag: 'history', schedule: '0 18 20 * *', tasks: 8, about: 'string' },
        { dag: 'main', schedule: '0 6 20 * *', tasks: 19, about: 'string' },
      ],
    )
  })

  test('show --json gives params with their defaults, and tasks with their edges', async () => {
    const shape = z.object({
      params: z.array(z.object({ name: z.string(), standard: z.string().nullable(), about: z.string().min(1) })),
      tasks: z.array(z.object({ id: z.string(), kind: z.string(), upstream: z.array(z.string()) })),
    })
    const { params, tasks } = await place.json(shape, 'show', 'main')
    assert.deepEqual(
      Object.fromEntries(params.filter(({ name }) => name !== 'dump_month').map(({ name, standard }) => [name, standard])),
      {
        run_mode: 'dev',
        allow_promote: 'false',
        allow_older: 'false',
        allow_partial: 'false',
        limit: '0',
        do_download: 'false',
        wait_days: '14',
        quarantine_cap: '0',
        truncation_percent: '2',
        orphan_percent: '5',
        rollback_on_failure: 'true',
      },
    )
    assert.deepEqual(tasks.slice(-3), [
      {
        id: 'seal',
        kind: 'task',
        upstream: ['check.files', 'check.keys', 'check.references', 'check.values', 'check.drift', 'check.census'],
      },
      { id: 'promote', kind: 'promote', upstream: ['seal'] },
      { id: 'report', kind: 'task', upstream: ['promote'] },
    ])
  })

  test('check --json gives one plan hash a dag, the same each time', async () => {
    const shape = z.array(z.object({ dag: z.string(), tasks: z.number(), planHash: z.string().regex(/^[0-9a-f]{64}$/) }))
    const [all, main] = await Promise.all([place.json(shape, 'check'), place.json(shape, 'check', 'main')])
    assert.deepEqual(
      all.map((one) => one.dag),
      ['gc', 'history', 'main'],
    )
    assert.deepEqual(all.slice(2), main)
  })

  test('compile gives the same JSON for the same session and params, and mermaid with every edge', async () => {
    const session = ['--session', '2026-04-20 06:00:00']
    const [first, second, mermaid, shown] = await Promise.all([
      place.dag('compile', 'main', ...session),
      place.dag('compile', 'main', '--format', 'json', ...session),
      place.dag('compile', 'main', '--format', 'mermaid'),
      place.json(z.object({ tasks: z.array(z.object({ upstream: z.array(z.string()) })) }), 'show', 'main'),
    ])
    assert.deepEqual(first, second)
    const plan = z.object({ dagId: z.string(), tasks: z.array(z.object({ id: z.string() })) }).parse(JSON.parse(first.stdout))
    assert.deepEqual([plan.dagId, plan.tasks.length], ['main', 19])
    const edges = shown.tasks.reduce((sum, task) => sum + task.upstream.length, 0)
    assert.equal(mermaid.stdout.split('\n', 1)[0], 'flowchart TD')
    assert.equal(mermaid.stdout.match(/ --> /g)?.length, edges)
  })

  test('runs is an empty list before the first run, and says how to make one', async () => {
    const [json, text] = await Promise.all([place.json(z.array(z.unknown()), 'runs'), place.dag('runs')])
    assert.deepEqual(json, [])
    assert.deepEqual<Outcome>(text, { code: 0, stdout: 'no runs yet: npm start, or dag trigger main\n', stderr: '' })
  })
})

test('nothing that was refused left anything in the lake', () => {
  assert.equal(existsSync(place.lakeDir), false)
})

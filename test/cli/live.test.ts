/** The live screen as a terminal is told it. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { Place } from './support.ts'
import { Terminal } from './terminal.ts'

test('a terminal with fewer rows than tasks ends with every task, once, and with why the run failed', {
  skip: !existsSync('/usr/bin/script'),
}, async () => {
  using place = new Place()
  await using terminal = new Terminal(['trigger', 'main', '--session', '2026-04-20'], place.env, { rows: 10 })
  const seen = await terminal.waitFor(/resume +bin\/dag retry \S+/)
  const end = seen.slice(seen.lastIndexOf(' of 19 tasks'))
  const tasks = end.split('\n').flatMap((line) => /^[✖⊘] ([a-z.]+) /.exec(line)?.[1] ?? [])
  assert.deepEqual([tasks.length, tasks[0], tasks.at(-1)], [19, 'preflight', 'report'], seen)
  assert.match(end, /^run 2026-04__20260420_000000 ✖ failed: preflight\r?$/m)
  assert.equal(await terminal.exitCode(), 1)
})

test('Ctrl-C is answered on the live screen, and the run ends as cancelled', {
  skip: !existsSync('/usr/bin/script'),
}, async () => {
  using place = new Place()
  await place.generate()
  await using terminal = new Terminal(['trigger', 'main', '--session', '2026-04-20'], place.env)
  await terminal.waitFor(/▶ download/)
  await terminal.type('\u0003')
  await terminal.waitFor(/SIGINT: stopping the tasks; once more kills them\r?\n2026-04__20260420_000000 {2}\d+ of 19 tasks/)
  await terminal.waitFor(/run 2026-04__20260420_000000 ■ cancelled: stopped by SIGINT/)
  assert.equal(await terminal.exitCode(), 130)
})

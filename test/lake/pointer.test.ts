import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runDir } from '../../src/lake/layout.ts'
import { freePrevLinkName, prevLinks, resolveActive, swapActive } from '../../src/lake/pointer.ts'
import { LakeLab, target } from './lake-lab.ts'

test('active resolves to the directory of the run itself, and to nothing before the first promotion', () => {
  using lab = new LakeLab()
  assert.equal(resolveActive(lab.lakeDir), null)
  assert.equal(resolveActive(join(lab.dir, 'no lake')), null)
  for (const runId of ['r1', 'r2']) {
    mkdirSync(runDir(lab.lakeDir, runId), { recursive: true })
    swapActive(lab.lakeDir, runId)
    assert.deepEqual(resolveActive(lab.lakeDir), { runId, dir: runDir(lab.lakeDir, runId) })
    assert.deepEqual(lab.links(), { active: target(runId) })
  }
})

for (const [holds, message] of [
  ['_runs/gone', /active points at _runs\/gone, which does not exist$/],
  ['/etc', /active points at \/etc, expected _runs\/<run_id>$/],
  ['_runs/../../etc', /active points at _runs\/..\/..\/etc, expected/],
  ['_runs/.staging-r1', /active points at _runs\/.staging-r1, expected/],
] as const) {
  test(`an active link to ${holds} is an error that names it`, () => {
    using lab = new LakeLab()
    mkdirSync(join(lab.lakeDir, '_runs/.staging-r1'), { recursive: true })
    symlinkSync(holds, join(lab.lakeDir, 'active'))
    assert.throws(() => resolveActive(lab.lakeDir), { name: 'PipelineError', message })
  })
}

test('an active that is a directory is an error that names it', () => {
  using lab = new LakeLab()
  mkdirSync(join(lab.lakeDir, 'active'))
  assert.throws(() => resolveActive(lab.lakeDir), { name: 'PipelineError', message: /active: it is no symbolic link$/ })
})

test('prev links are named after the UTC time to the millisecond, are never reused, and are listed newest first', () => {
  using lab = new LakeLab()
  const now = new Date('2026-01-20T20:55:49.007Z')
  const names = Array.from({ length: 11 }, (_, index) => {
    const name = freePrevLinkName(lab.lakeDir, now)
    symlinkSync(target(`r${index}`), join(lab.lakeDir, name))
    return name
  })
  assert.deepEqual(
    [names[0], names[1], names[10]],
    ['active__prev_20260120_205549007', 'active__prev_20260120_205549007_2', 'active__prev_20260120_205549007_11'],
  )
  symlinkSync(target('old'), join(lab.lakeDir, 'active__prev_20260120_205549006'))
  const listed = [...names.toReversed(), 'active__prev_20260120_205549006']
  assert.deepEqual(
    prevLinks(lab.lakeDir).map(({ name }) => name),
    listed,
  )
})

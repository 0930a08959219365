import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runDir, stagingDir } from '../../src/lake/layout.ts'
import { sealedRuns } from '../../src/lake/sealed-runs.ts'
import { sealSmallRun } from '../cli/small-lake.ts'
import { removeLake } from '../support/remove-lake.ts'

const lakeDir = mkdtempSync(join(tmpdir(), 'sealed-runs-'))
after(() => removeLake(lakeDir))

test('there is nothing in a lake that does not exist', () => {
  assert.deepEqual(sealedRuns(join(lakeDir, 'nowhere')), { runs: [], unreadable: [] })
})

test('a run without a manifest, or with a damaged one, is told apart with the reason; a staged one is none', async () => {
  for (const runId of ['2026-02__b', '2026-01__a'])
    await sealSmallRun(lakeDir, { runId, dumpMonth: runId.slice(0, 7), releases: 1, only: ['releases_v6'] })
  for (const runId of ['2026-03__c', '2026-04__d']) mkdirSync(runDir(lakeDir, runId))
  mkdirSync(stagingDir(lakeDir, '2026-05__e'))
  writeFileSync(join(runDir(lakeDir, '2026-04__d'), '_manifest.json'), '{"format_version":')
  const { runs, unreadable } = sealedRuns(lakeDir)
  assert.deepEqual(
    runs.map(({ runId, dumpMonth }) => [runId, dumpMonth]),
    [
      ['2026-01__a', '2026-01'],
      ['2026-02__b', '2026-02'],
    ],
  )
  assert.deepEqual(
    unreadable.map(({ runId }) => runId),
    ['2026-03__c', '2026-04__d'],
  )
  assert.match(unreadable[0]?.reason ?? '', /it has no manifest/)
  assert.match(unreadable[1]?.reason ?? '', /cannot be read: .*JSON/)
})

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateDump } from '../../../src/demo/generate.ts'
import { stagingDir } from '../../../src/lake/layout.ts'

const runId = '2026-04__20260420_060000'
const root = mkdtempSync(join(tmpdir(), 'cancel-'))
after(() => rmSync(root, { recursive: true }))

before(() =>
  generateDump({
    path: join(root, 'raw', '2026-04', 'discogs_20260401_releases.xml.gz'),
    dump: 'releases',
    until: { xmlBytes: 60_000_000 },
  }),
)

/** The real task, as the scheduler would start it. */
function start(lakeDir: string): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, '../../../src/tasks/ingest.ts'), 'releases'], {
    stdio: 'ignore',
    env: {
      PATH: '/usr/bin:/bin',
      RUN_ID: runId,
      DAG_ID: 'main',
      TASK_ID: 'ingest.releases',
      SESSION: '2026-04-20 06:00:00',
      PARAM_DUMP_MONTH: '2026-04',
      DISCOGS_DATA_LAKE: lakeDir,
      DISCOGS_RAW: join(root, 'raw'),
    },
  })
}

/** Waits until rows are on their way to disk. */
async function busy(lakeDir: string): Promise<void> {
  while (globSync(join(stagingDir(lakeDir, runId), '.tmp-*', '*.parquet')).length === 0) await sleep(5)
}

function left(lakeDir: string): string[] {
  return globSync(join(stagingDir(lakeDir, runId), '{.tmp-*,release*}'))
}

function hashes(lakeDir: string): string[] {
  const files = globSync(join(stagingDir(lakeDir, runId), '*', '*.parquet')).sort()
  return files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'))
}

test('SIGTERM ends an ingest within a second and leaves nothing behind', async () => {
  const lakeDir = join(root, 'terminated')
  const child = start(lakeDir)
  await busy(lakeDir)
  const askedMs = performance.now()
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]
  const tookMs = performance.now() - askedMs
  assert.equal(code, 143)
  assert.ok(tookMs < 1000, `it took ${tookMs} ms`)
  assert.deepEqual(left(lakeDir), [])
})

test('an ingest that was killed gives the same bytes when it runs again', async () => {
  const lakeDir = join(root, 'killed')
  const killed = start(lakeDir)
  await busy(lakeDir)
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  assert.ok(left(lakeDir).length > 0)
  assert.equal(existsSync(join(stagingDir(lakeDir, runId), 'releases_v6')), false)
  await once(start(lakeDir), 'exit')
  const undisturbed = join(root, 'undisturbed')
  await once(start(undisturbed), 'exit')
  assert.equal(hashes(lakeDir).length, 12)
  assert.deepEqual(hashes(lakeDir), hashes(undisturbed))
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stagingDir } from '../../src/lake/layout.ts'
import { writeStageReport } from '../../src/lake/stage-report.ts'
import { build } from '../../src/tasks/build.ts'
import { assertCurrentInputs } from '../../src/tasks/current-inputs.ts'
import { taskContext } from '../support/task-context.ts'

const dir = mkdtempSync(join(tmpdir(), 'inputs-'))
after(() => rmSync(dir, { recursive: true }))

const file = 'discogs_20260401_artists.xml.gz'
const context = taskContext({
  lakeDir: join(dir, 'lake'),
  rawDir: join(dir, 'raw'),
  runId: 'r__1',
  params: { dump_month: '2026-04' },
})
const staging = stagingDir(context.lakeDir, context.runId)
const path = join(context.rawDir, '2026-04', file)
const checksums = join(context.rawDir, '2026-04/discogs_20260401_CHECKSUM.txt')
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function upload(text: string): void {
  mkdirSync(join(context.rawDir, '2026-04'), { recursive: true })
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

test('a build refuses dumps that were replaced, removed or published anew since they were ingested', async () => {
  upload('first')
  const source = { file, bytes: 5, sha256: sha256('first'), verification: 'unverified' } as const
  writeStageReport(staging, 'ingest_artists', {
    dump: 'artists',
    source,
    read: { mtimeMs: 0, ctimeMs: 0, inode: 0 },
    datasets: {},
  })
  const refused = async (reason: string): Promise<void> =>
    await assert.rejects(build(context), {
      retryable: false,
      message: `build: what was ingested is not what is there now: artists: ${reason}`,
    })

  utimesSync(path, 1, 1)
  await assertCurrentInputs(context, staging)
  upload('other')
  await refused(`${path} has been replaced since it was read`)
  upload('first')
  writeFileSync(checksums, `${sha256('other')}  ${file}\n`)
  await refused(`${path} is not the file that ${checksums} lists`)
  writeFileSync(checksums, `${sha256('first')}  ${file}\n`)
  await assertCurrentInputs(context, staging)
  rmSync(path)
  await refused(`${path} is gone`)
})

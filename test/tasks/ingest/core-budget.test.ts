import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CoreBudget } from '../../../src/tasks/ingest/core-budget.ts'

/** Another ingest on this machine, as far as the budget can tell. */
async function neighbour(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../../../src/tasks/ingest/core-budget.ts')
  const code = `import { CoreBudget } from ${JSON.stringify(script)}; new CoreBudget(4, () => {}); console.log('up'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

test('ingests on one machine share its cores, and a killed one gives its share back', async () => {
  // Other tests ingest at the same time: shares are bounded, not exact.
  const shares: number[] = []
  using budget = new CoreBudget(64, (share) => shares.push(share))
  budget.share()
  const alone = shares.at(-1) ?? 0
  const others = await Promise.all(Array.from({ length: 8 }, neighbour))
  await sleep(300)
  budget.share()
  const crowded = shares.at(-1) ?? 0
  for (const child of others) child.kill('SIGKILL')
  await Promise.all(others.map((child) => once(child, 'exit')))
  await sleep(300)
  budget.share()
  console.log(`alone ${alone}, with eight others ${crowded}, then ${shares.at(-1)}`)
  assert.ok(crowded <= 7 && crowded >= 1)
  assert.ok((shares.at(-1) ?? 0) > crowded)
})

test('a file left by a killed ingest does not count when its pid belongs to another process by now', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'budget-'))
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = temporary
  try {
    const directory = join(temporary, `discogs-ingest-${process.getuid?.() ?? 0}`)
    mkdirSync(directory)
    const stale = [`${process.ppid} of-another-start 1`, String(process.ppid)].map((name) => join(directory, name))
    for (const file of stale) writeFileSync(file, '')
    const shares: number[] = []
    using budget = new CoreBudget(4, (share) => shares.push(share))
    budget.share()
    assert.deepEqual([shares, stale.map((file) => existsSync(file))], [[4], [false, false]])
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    rmSync(temporary, { recursive: true })
  }
})

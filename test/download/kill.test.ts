import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { dumps, DumpSite, nameOf } from './support/dump-site.ts'
import { allRight, RawPlace } from './support/place.ts'
import { endOf, startChild } from './support/run-child.ts'

const kills = 50
const sizeBytes = 400_000
const bytesPerSecond = 1_000_000
/** Per kill: of two transfers what was on its way, and what was gathered in 50 ms for the next write. */
const lostBytes = 2 * (65_536 + bytesPerSecond / 10)

/** A small generator, so that a failure can be repeated: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test(`kill -9 at ${kills} random instants: no dump has its name before it is whole, and the next run goes on`, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  console.log(`seed ${seed}`)
  const random = randomFrom(seed)
  await using site = await DumpSite.start(sizeBytes)
  let [months, inTransfer, lost] = [0, 0, 0]
  for (let killed = 0; killed < kills; ) {
    // A month that was fetched is no use any more: the next one begins in an empty place.
    using place = new RawPlace()
    place.watchFor(site)
    site.calm()
    site.bytesPerSecond = bytesPerSecond
    let here = 0
    for (; killed < kills; killed++, here++) {
      const child = startChild(site.url, place.rawDir)
      const ended = endOf(child)
      const asked = site.seen.length
      // Some die while they start, most while they transfer; both transfers of a month take 800 ms.
      if (random() < 0.8) while (site.seen.length === asked && child.exitCode === null) await sleep(5)
      await Promise.race([sleep(random() * 250), ended])
      if (child.exitCode !== null) break
      if (site.seen.some(({ target, status }) => target.endsWith('.gz') && status === 0)) inTransfer++
      child.kill('SIGKILL')
      await ended
      for (const dump of dumps) place.check(nameOf(dump), [site])
    }
    site.bytesPerSecond = null
    const { code, stderr } = await endOf(startChild(site.url, place.rawDir))
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(place.contents(site), allRight)
    assert.deepEqual(place.violations, [])
    assert.ok(site.sentBytes <= dumps.length * sizeBytes + here * lostBytes, `${site.sentBytes} bytes after ${here} kills`)
    assert.deepEqual(existsSync(place.directory) && readdirSync(place.directory).filter((name) => name.includes('.part')), [])
    months++
    lost += site.sentBytes - dumps.length * sizeBytes
  }
  console.log(
    `${months} months for ${kills} kills, ${inTransfer} of them during a transfer; ${Math.round(lost / kills / 1000)} kB sent again per kill`,
  )
})

/**
 * Reads mutated dumps with the scanner and with sax until a time is up, and stops at the first document they disagree on.
 *
 *     npm run fuzz -- --minutes 30 [--seed 1]
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { dumps } from '../src/discogs/catalogue.ts'
import { compareUntil, describeDifference, type Tally } from '../test/support/differential-run.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string', default: String(Date.now() % 1_000_000_000) } },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error('usage: npm run fuzz -- --minutes N [--seed N]')

/** The dumps take turns of so long. */
const turnMs = 10_000
/** Seeds of one turn never reach those of the next. */
const turnSeeds = 1_000_000

console.log(`seed ${seed}, ${minutes} minutes`)
const endMs = performance.now() + minutes * 60_000
const total: Tally = { documents: 0, records: 0, unusual: 0, rejected: 0, failures: 0 }
let reportMs = 0
for (let turn = 0; performance.now() < endMs; turn++) {
  const dump = dumps[turn % dumps.length]
  if (dump === undefined) break
  const turnEndMs = Math.min(endMs, performance.now() + turnMs)
  const difference = await compareUntil(dump, seed + turn * turnSeeds, total, () => performance.now() >= turnEndMs)
  if (difference !== null) {
    const file = `fuzz-${difference.dump}-${difference.seed}.xml`
    writeFileSync(file, difference.xml)
    console.log(`${describeDifference(difference)}\nthe document lies in ${file}`)
    process.exit(1)
  }
  if (performance.now() - reportMs < 60_000) continue
  reportMs = performance.now()
  console.log(describe(total))
}
console.log(`${describe(total)}; no difference`)

function describe({ documents, records, unusual, rejected, failures }: Tally): string {
  const scanned = records - unusual - rejected
  return `${documents} documents, ${records} records: ${scanned} taken by the scanner, ${unusual} left to sax, ${rejected} rejected; ${failures} documents refused`
}

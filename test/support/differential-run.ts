/** Mutated documents, read by scanner and sax: the heart of the differential test and of the fuzzer. */
import { isDeepStrictEqual } from 'node:util'
import type { Dump } from '../../src/discogs/dataset.ts'
import { type Cutting, Engine, type Reading } from './differential.ts'
import { baseRecords, mutatedDocument, type Random, randomFrom } from './mutations.ts'

export interface Tally {
  documents: number
  records: number
  /** Records that sax had to read although the scanner was asked first. */
  unusual: number
  rejected: number
  /** Documents that both engines refused. */
  failures: number
}

export interface Difference {
  readonly dump: string
  /** Gives the document again: see {@link documentOf}. */
  readonly seed: number
  readonly xml: Buffer
  readonly cutting: Cutting | null
  readonly scanner: Reading
  readonly sax: Reading
}

/** Names pile up in a scanner's table of symbols: it gets a new one now and then, as in a new process. */
const documentsPerEngine = 150
const recordsPerDocument = 8

/** Reads documents until it is told to stop. @returns the first difference, null when there is none */
export async function compareUntil(dump: Dump, seed: number, tally: Tally, isEnough: () => boolean): Promise<Difference | null> {
  const base = await baseRecords(dump)
  let scanner = new Engine(dump, true)
  const sax = new Engine(dump, false)
  for (let at = seed; !isEnough(); at++) {
    if ((at - seed) % documentsPerEngine === 0) scanner = new Engine(dump, true)
    const random = randomFrom(at)
    const xml = documentOf(dump, base, random)
    const cutting = random(5) === 0 ? { sliceBytes: 1 + random(400), chunkBytes: 1 + random(300) } : null
    const expected = await sax.read(xml)
    const actual = await scanner.read(xml, cutting ?? undefined)
    tally.documents++
    tally.records += expected.records
    tally.unusual += actual.unusual
    tally.rejected += expected.rejected.length
    tally.failures += expected.failure === null ? 0 : 1
    if (!isSame(expected, actual)) return { dump: dump.name, seed: at, xml, cutting, scanner: actual, sax: expected }
  }
  return null
}

export function documentOf(dump: Dump, base: readonly Buffer[], random: Random): Buffer {
  const records = Array.from({ length: 1 + random(2 * recordsPerDocument) }, () => base[random(base.length)] as Buffer)
  return mutatedDocument(dump, records, random)
}

/** Equal but for how many records sax read. A refused document has no rows worth comparing. */
export function isSame(left: Reading, right: Reading): boolean {
  if (left.failure !== null && right.failure !== null)
    return isDeepStrictEqual(left.failure, right.failure) && left.records === right.records
  return isDeepStrictEqual({ ...left, unusual: 0 }, { ...right, unusual: 0 })
}

/** Where two readings part. */
export function describeDifference({ dump, seed, cutting, scanner, sax }: Difference): string {
  const lines = [`${dump}, seed ${seed}, cut ${JSON.stringify(cutting)}: scanner and sax disagree`]
  for (const key of ['records', 'rejected', 'census', 'failure', 'columns'] as const) {
    if (isDeepStrictEqual(scanner[key], sax[key])) continue
    const [left, right] = [JSON.stringify(scanner[key]), JSON.stringify(sax[key])]
    let at = 0
    while (left[at] === right[at] && at < left.length) at++
    const around = (text: string): string => text.slice(Math.max(0, at - 100), at + 150)
    lines.push(`${key} at ${at}`, `  scanner ${around(left)}`, `  sax     ${around(right)}`)
  }
  return lines.join('\n')
}

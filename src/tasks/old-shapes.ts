/** What older dumps lack, and the sentence that says so: README.md lists which months load. */
import { closeSync, openSync, readSync } from 'node:fs'
import { constants, gunzipSync } from 'node:zlib'
import type { Dump } from '../discogs/dataset.ts'
import { PipelineError } from '../errors.ts'

/** From this month on, artists and labels have ids. */
const firstMonthWithIds = '2011-11'

/** Much more than the first record of any dump takes, compressed. */
const peekedBytes = 256 * 1024

/**
 * Artists and labels had no ids before November 2011.
 * @param record the first one of the dump, or its beginning
 * @returns why the dump cannot be loaded, null when this is not the reason
 */
export function lackOfIds({ name, idPath }: Dump, month: string, record: Buffer): PipelineError | null {
  if (idPath.startsWith('@') || month >= firstMonthWithIds || /<id[\s/>]/.test(record.toString('latin1'))) return null
  return new PipelineError(
    `${name} of ${month}: records have no ids, as in all dumps before November 2011: this month cannot be loaded`,
    { hint: 'choose a month from November 2011 on: docs/months.md lists which load', retryable: false },
  )
}

/** {@link lackOfIds} of a file. Null as well for one that cannot be read or inflated: its ingest says what is wrong with it. */
export function lackOfIdsIn(path: string, dump: Dump, month: string): PipelineError | null {
  if (month >= firstMonthWithIds) return null
  const xml = beginningOf(path).toString('latin1')
  const start = new RegExp(`<${dump.record}[\\s>]`).exec(xml)?.index ?? -1
  const end = xml.indexOf(`</${dump.record}>`, start)
  return start === -1 || end === -1 ? null : lackOfIds(dump, month, Buffer.from(xml.slice(start, end), 'latin1'))
}

function beginningOf(path: string): Buffer {
  const descriptor = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(peekedBytes)
    const read = readSync(descriptor, bytes)
    return gunzipSync(bytes.subarray(0, read), { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Some old dumps are in ISO-8859-1 and do not say so: there a byte from 0xa0 on is a character by itself, in UTF-8 others follow it.
 * @param at of the first byte that is not UTF-8
 * @returns the likely reason in words, empty when there is none
 */
export function likelyEncoding(bytes: Buffer, at: number): string {
  const [byte = 0, next = 0] = bytes.subarray(at, at + 2)
  if (byte < 0xa0 || (next >= 0x80 && next < 0xc0)) return ''
  return `: 0x${byte.toString(16)} looks like ISO-8859-1, in which some old dumps are without saying so`
}

/** `_reports/quarantine_<dump>.jsonl`: the records that were rejected, with their bytes. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Dump } from '../../discogs/dataset.ts'
import { PipelineError } from '../../errors.ts'
import { likelyEncoding } from '../old-shapes.ts'

/** A record that cannot be read. */
export interface RejectedRecord {
  /** Ordinal in the dump, from 1. */
  readonly record: number
  /** Byte offset of the record in the inflated XML. */
  readonly offset: number
  readonly bytes: Buffer
  readonly reason: string
  /** Byte offset of what is wrong. */
  readonly errorOffset: number
}

export class Quarantine implements Disposable {
  readonly #dump: Dump
  readonly #file: string
  readonly #source: string
  readonly #cap: number
  #descriptor: number | null = null
  #count = 0

  /**
   * @param source the dump file, for messages
   * @param cap records that may be rejected before the task fails
   */
  constructor(reports: string, dump: Dump, source: string, cap: number) {
    this.#dump = dump
    this.#file = join(reports, `quarantine_${dump.name}.jsonl`)
    this.#source = source
    this.#cap = cap
    mkdirSync(reports, { recursive: true })
    rmSync(this.#file, { force: true })
  }

  get count(): number {
    return this.#count
  }

  /** Writes the record down. @throws PipelineError, not retryable, naming it, once there are more than the cap */
  add(rejected: RejectedRecord): void {
    this.#descriptor ??= openSync(`${this.#file}.tmp`, 'w')
    const { record, offset, bytes, reason, errorOffset } = rejected
    const line = {
      dump: this.#dump.name,
      record,
      offset,
      length: bytes.length,
      id: knownId(this.#dump, bytes),
      reason,
      error_offset: errorOffset,
      raw: bytes.toString('base64'),
    }
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`)
    this.#count++
    if (this.#count <= this.#cap) return
    this[Symbol.dispose]()
    const beyond = this.#cap === 0 ? '' : `; it is rejected record ${this.#count}, quarantine_cap is ${this.#cap}`
    const encoding = reason === 'not UTF-8' ? likelyEncoding(bytes, errorOffset - offset) : ''
    const remedy =
      encoding === '' ? 'download the dump again' : `convert the dump: \`zcat <dump> | iconv -f ISO-8859-1 -t UTF-8 | gzip\``
    throw new PipelineError(
      `ingest ${this.#dump.name}: record ${record} at byte ${offset} of ${this.#source}: ${reason} (byte ${errorOffset})${encoding}${beyond}`,
      {
        hint: `the record is in ${this.#file}; ${remedy}, or allow such records: \`dag retry <run> --param quarantine_cap=N\``,
        retryable: false,
      },
    )
  }

  /** Makes the file visible. */
  [Symbol.dispose](): void {
    if (this.#descriptor === null) return
    fsyncSync(this.#descriptor)
    closeSync(this.#descriptor)
    this.#descriptor = null
    renameSync(`${this.#file}.tmp`, this.#file)
  }
}

/** The id as far as it can be told from the bytes of a record that is not sound. */
function knownId(dump: Dump, bytes: Buffer): string | null {
  const text = bytes.toString('latin1', 0, 65_536)
  const pattern = dump.idPath.startsWith('@') ? /^<[^>]*?\sid\s*=\s*["'](\d{1,19})["']/ : /<id\s*>(\d{1,19})<\/id\s*>/
  return pattern.exec(text)?.[1] ?? null
}

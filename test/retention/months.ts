/** A lake of published months with their dumps. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promoteRun } from '../../src/lake/promotion.ts'
import { sealRun } from '../../src/lake/seal.ts'
import { Collection, type RetentionRules } from '../../src/retention/collect.ts'
import { runBookOf } from '../../src/scheduler/run-book.ts'
import { LakeLab, parts } from '../lake/lake-lab.ts'

export const oneMonth: RetentionRules = {
  keep: 1,
  keepPublished: 1,
  measured: false,
  rawMonths: 1,
  stagingDays: 14,
  logDays: 90,
}

/** Of a month `YYYY-MM`. */
export function runOf(month: string, hour = '06'): string {
  return `${month}__${month.replace('-', '')}20_${hour}0000`
}

function dumpOf(month: string): string {
  return `discogs_${month.replace('-', '')}01_artists.xml.gz`
}

export class Months extends LakeLab {
  readonly rawDir = join(this.dir, 'raw')

  async sealMonth(month: string, hour = '06'): Promise<string> {
    const runId = runOf(month, hour)
    this.stage(runId, undefined, dumpOf(month))
    await sealRun(this.lakeDir, runId, {
      ...parts,
      session: `${month}-20 ${hour}:00:00`,
      params: { ...parts.params, dump_month: month },
    })
    this.pass(runId)
    this.end(runId)
    return runId
  }

  end(runId: string): void {
    this.store().change.endAttempt({ runId, attempt: 1 }, 'success', null)
  }

  /** Seals and publishes. */
  async publish(month: string, hour = '06'): Promise<string> {
    const runId = await this.sealMonth(month, hour)
    promoteRun({ lakeDir: this.lakeDir, ledger: this.ledger(), runId, who: 'me', reason: 'test', now: () => new Date() })
    return runId
  }

  /** The dump that the snapshots of these months were made from. */
  dumps(...months: readonly string[]): void {
    for (const month of months) {
      mkdirSync(join(this.rawDir, month), { recursive: true })
      writeFileSync(join(this.rawDir, month, dumpOf(month)), '7 bytes')
    }
  }

  find(rules: Partial<RetentionRules> = {}): Promise<Collection> {
    const { lakeDir, rawDir } = this
    return Collection.find({ lakeDir, rawDir, book: runBookOf(this.store()), now: new Date() }, { ...oneMonth, ...rules })
  }
}

/** A lake of small runs and a scheduler's state beside it, in a temporary directory; everything in it is real. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataFileName, linkTarget, reportsDir, stagingDir } from '../../src/lake/layout.ts'
import type { ManifestParts } from '../../src/lake/manifest.ts'
import type { PromotionLedger } from '../../src/lake/promotion-ledger.ts'
import { type SealedRun, sealRun } from '../../src/lake/seal.ts'
import { type StagedDataset, writeStageReport } from '../../src/lake/stage-report.ts'
import { compile } from '../../src/scheduler/plan.ts'
import { ledgerOf } from '../../src/scheduler/promotions.ts'
import { openStore, type Store } from '../../src/scheduler/store.ts'
import { lab, scriptsDir } from '../scheduler/harness.ts'

export const parts: ManifestParts = {
  dag: 'main',
  session: '2026-01-20 20:55:49',
  params: { run_mode: 'prod', dump_month: '2026-01' },
  code: { version: '1.2.3', commit: null },
}

const plan = compile(
  lab(({ check, promote }) => void promote('publish', { upstream: [check('sure', { script: 'verify' })] })),
  { projectDir: join(import.meta.dirname, '../..'), scriptsDir },
)

export class LakeLab implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'lake-'))
  readonly lakeDir = join(this.dir, 'lake')
  readonly stateDir = join(this.dir, 'state')
  readonly #stores = new Map<string, Store>()

  constructor() {
    mkdirSync(this.lakeDir)
  }

  /** Writes a run as its stages would: one file of one row each. The bytes of every file name the run. */
  stage(runId: string, datasets: readonly string[] = ['albums', 'songs'], dump = 'discogs_20260101_artists.xml.gz'): string {
    const staging = stagingDir(this.lakeDir, runId)
    const reported: Record<string, StagedDataset> = {}
    for (const name of datasets) {
      const path = `${name}/${dataFileName(runId, 0)}`
      const content = `PAR1 ${runId} ${name} PAR1`
      mkdirSync(join(staging, name), { recursive: true })
      writeFileSync(join(staging, path), content)
      reported[name] = { rows: 1, files: [{ path, rows: 1, bytes: content.length }] }
    }
    const source = {
      file: dump,
      bytes: 7,
      sha256: 'ab'.repeat(32),
      verification: 'verified',
    } as const
    writeStageReport(staging, 'ingest_artists', { dump: 'artists', source, datasets: reported })
    writeFileSync(join(reportsDir(staging), 'notes.csv'), 'a,b\n')
    return staging
  }

  /** Sealed runs whose check has succeeded. */
  async seal(...runIds: readonly string[]): Promise<readonly SealedRun[]> {
    const sealed: SealedRun[] = []
    for (const runId of runIds) {
      this.stage(runId)
      sealed.push(await sealRun(this.lakeDir, runId, partsOf(runId)))
      this.pass(runId)
    }
    return sealed
  }

  /** Records the run with its check succeeded, so that its gate is open. */
  pass(runId: string, stateDir = this.stateDir): void {
    const store = this.store(stateDir)
    const session = `2026-01-01 00:00:0${store.runs().length % 10} ${runId}`
    store.change.createRun({
      runId,
      session,
      params: {},
      trigger: 'manual',
      triggeredBy: 'me',
      plan,
      parallelism: 1,
      lakeDir: this.lakeDir,
      rawDir: this.dir,
    })
    const key = { runId, attempt: 1, taskId: 'sure', tryNumber: 1 }
    store.change.changeTask(key, 'waiting', { state: 'queued', reason: null })
    store.change.startTry(key, { files: { logFile: 'x', resultFile: 'y' }, deadline: null, process: null })
    const end = { tryState: 'success', taskState: 'success', reason: null, exitCode: 0, signal: null, notBefore: null } as const
    store.change.endTry(key, { ...end, result: {}, checks: [] })
  }

  /** What a new attempt of a run needs. */
  planned(runId: string): { readonly runId: string; readonly plan: typeof plan; readonly parallelism: number } {
    return { runId, plan, parallelism: 1 }
  }

  store(stateDir = this.stateDir): Store {
    const store = this.#stores.get(stateDir) ?? openStore(stateDir)
    this.#stores.set(stateDir, store)
    return store
  }

  ledger(stateDir = this.stateDir): PromotionLedger {
    return ledgerOf(this.store(stateDir))
  }

  /** What lies in the lake directory: a link's target, else its kind. `_meta` and the runs are left out. */
  links(): Record<string, string> {
    const names = readdirSync(this.lakeDir).filter((name) => name !== '_runs' && name !== '_meta')
    return Object.fromEntries(names.sort().map((name) => [name, describeEntry(join(this.lakeDir, name))]))
  }

  [Symbol.dispose](): void {
    for (const store of this.#stores.values()) store.close()
    if (existsSync(this.dir)) allowRemoval(this.dir)
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** A run id may begin with the month of its dumps. */
function partsOf(runId: string): ManifestParts {
  const [month] = /^\d{4}-\d{2}(?=__)/.exec(runId) ?? []
  return month === undefined ? parts : { ...parts, params: { ...parts.params, dump_month: month } }
}

/** Every path below a directory with its kind, permissions and size. */
export function layoutOf(directory: string, prefix = ''): string[] {
  return readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const path = join(directory, name)
      const { mode, size } = lstatSync(path)
      const isDirectory = lstatSync(path).isDirectory()
      const line = `${(mode & 0o777).toString(8)} ${prefix}${name}${isDirectory ? '/' : ` ${size}`}`
      return [line].concat(isDirectory ? layoutOf(path, `${prefix}${name}/`) : [])
    })
}

export const target = linkTarget

function describeEntry(path: string): string {
  return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : 'no link'
}

/** Sealed directories let nobody but root remove what is in them. */
function allowRemoval(directory: string): void {
  chmodSync(directory, 0o755)
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) allowRemoval(join(directory, entry.name))
}

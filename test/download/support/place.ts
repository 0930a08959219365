/** A raw directory in a temporary place, what is watched in it, and a download with short tempers. */
import { createHash } from 'node:crypto'
import { existsSync, type FSWatcher, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DownloadedFile, downloadMonth, type DownloadOptions } from '../../../src/download/download-month.ts'
import { defaultPatience, type Patience } from '../../../src/download/patience.ts'
import type { DownloadSettings } from '../../../src/settings/download.ts'
import { standardDownload } from '../../support/task-context.ts'
import { Site } from '../../../src/download/site.ts'
import { type DumpSite, dumps, month, nameOf } from './dump-site.ts'

/** Syncing to a busy disk takes longer than these tests are patient; what it is good for is tried with `kill -9` elsewhere. */
const memoryDir = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Real limits are a thousand times longer. */
export const impatience: Patience = {
  ...defaultPatience,
  connectMs: 500,
  answerMs: 300,
  idleMs: 300,
  minBytesPerSecond: 5_000,
  paceMs: 400,
  tries: 4,
  progressBytes: 10_000,
  pauseMs: 2,
  pauseCapMs: 10,
  outageMs: 700,
}

export function settingsFor(baseUrl: string, given: Partial<DownloadSettings> = {}): DownloadSettings {
  return { ...standardDownload, baseUrl, ...given }
}

export class RawPlace implements Disposable {
  readonly rawDir = mkdtempSync(join(memoryDir, 'download-'))
  readonly directory = join(this.rawDir, month)
  readonly said: string[] = []
  /** Names that files without the right bytes had, if only for a moment. */
  readonly violations: string[] = []
  #watcher: FSWatcher | null = null

  /** From now on no dump may have its name unless its bytes are among those published. */
  watchFor(...sites: readonly DumpSite[]): void {
    mkdirSync(this.directory, { recursive: true })
    this.#watcher?.close()
    this.#watcher = watch(this.directory, (_, name) => {
      if (name?.endsWith('.xml.gz') === true) this.check(name, sites)
    })
  }

  check(name: string, sites: readonly DumpSite[]): void {
    const path = join(this.directory, name)
    if (!existsSync(path)) return
    const found = sha256Of(path)
    if (!sites.some((site) => site.sha256(name) === found)) this.violations.push(name)
  }

  async download(
    site: DumpSite,
    given: Partial<DownloadOptions> & {
      readonly patience?: Partial<Patience>
      readonly settings?: Partial<DownloadSettings>
      /** As which the site is asked for; default: its own. */
      readonly baseUrl?: string
    } = {},
  ): Promise<readonly DownloadedFile[]> {
    const { patience = {}, settings = {}, baseUrl = site.url, ...options } = given
    using client = new Site(settingsFor(baseUrl, settings), { ...impatience, ...patience })
    const say = (line: string): void => void this.said.push(line)
    return await downloadMonth(client, month, { rawDir: this.rawDir, signal: new AbortController().signal, say, ...options })
  }

  /** Which of the files are there, and whether they are those of the site; parts and states included. */
  contents(site: DumpSite): Readonly<Record<string, 'right' | 'wrong' | 'other'>> {
    if (!existsSync(this.directory)) return {}
    const names = readdirSync(this.directory).filter((name) => name.includes('.xml.gz'))
    return Object.fromEntries(
      names.toSorted().map((name) => {
        if (!site.files.has(name)) return [name, 'other']
        return [name, sha256Of(join(this.directory, name)) === site.sha256(name) ? 'right' : 'wrong']
      }),
    )
  }

  [Symbol.dispose](): void {
    this.#watcher?.close()
    rmSync(this.rawDir, { recursive: true, force: true })
  }
}

/** What {@link RawPlace.contents} is when all is well. */
export const allRight = Object.fromEntries(dumps.map((dump) => [nameOf(dump), 'right']))

export function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

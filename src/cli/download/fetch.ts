/** `dag download --month` and `--latest`, with or without `--dry-run`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type DownloadedFile, downloadMonth } from '../../download/download-month.ts'
import type { MonthManifest } from '../../download/manifest.ts'
import { askForMonth, latestMonth, monthDirectory } from '../../download/month.ts'
import { NotPublishedError } from '../../download/failure.ts'
import { type DumpName, dumpNames } from '../../download/names.ts'
import { type PlannedFile, planMonth } from '../../download/plan.ts'
import type { Site } from '../../download/site.ts'
import { print, printJson, shownPath, size, stateMark, styled, table } from '../output.ts'
import { about, type Options, type Scene, siteOf } from './scene.ts'

/** Brings a month, or shows what would be brought. */
export async function fetchMonth({ config, options, signal, display }: Scene): Promise<void> {
  const { rawDir } = config
  using site = siteOf(config)
  const asking = { rawDir, signal, say: display.say }
  const month = options.month ?? (await latestMonth(site, asking))
  const directory = monthDirectory(rawDir, month)
  const dumps = options.only ?? dumpNames
  if (options.dryRun === true) {
    const manifest = await askForMonth(site, month, { ...asking, isDryRun: true })
    return showPlan(month, { directory, manifest, files: planMonth(directory, manifest, dumps) }, options)
  }
  if (options.wait !== undefined) await untilPublished({ config, options, signal, display }, { site, month, dumps })
  const startedMs = performance.now()
  const files = await downloadMonth(site, month, { ...asking, dumps, onProgress: display.onProgress })
  display.end()
  if (options.json === true) return printJson({ month, directory, requests: site.requests, files })
  showFiles(files, directory, performance.now() - startedMs)
}

/** A few times a day: months appear at any hour, and nobody needs one within minutes. */
const lookAgainMs = 6 * 3_600_000
const standardWaitMs = 14 * 86_400_000

/** @throws PipelineError when the month is not published in time, or will not come any more */
async function untilPublished(
  { config: { rawDir }, options: { wait = true }, signal, display: { say } }: Scene,
  { site, month, dumps }: { readonly site: Site; readonly month: string; readonly dumps: readonly DumpName[] },
): Promise<void> {
  const endMs = Date.now() + (wait === true ? standardWaitMs : wait)
  for (;;) {
    try {
      planMonth(monthDirectory(rawDir, month), await askForMonth(site, month, { rawDir, signal, say }), dumps)
      return
    } catch (error) {
      const leftMs = endMs - Date.now()
      if (!(error instanceof NotPublishedError) || error.isPast || leftMs <= 0) throw error
      const pauseMs = Math.min(lookAgainMs, leftMs)
      say(`${error.message}; it looks again at ${new Date(Date.now() + pauseMs).toISOString()}`)
      await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

interface Plan {
  readonly directory: string
  readonly manifest: MonthManifest
  readonly files: readonly PlannedFile[]
}

const fileStates: Readonly<Record<PlannedFile['state'], string>> = {
  verified: 'verified already',
  unverified: 'there: will be compared with its checksum',
  changed: 'published anew: will be fetched, then replaced',
  partial: 'will be gone on with',
  missing: 'will be fetched',
}

function showPlan(month: string, { directory, manifest, files }: Plan, { json = false }: Options): void {
  if (json) return printJson({ month, directory, source: manifest.published.url, files })
  const rows = files.map(({ name, state, aboutBytes, presentBytes }) => [
    name,
    about(aboutBytes),
    presentBytes > 0 ? size(presentBytes) : '',
    fileStates[state],
  ])
  print(table(['!file', '>published', '>here', 'plan'], rows))
  print(`\n${month} of ${manifest.baseUrl}\ninto ${shownPath(directory)}; nothing was fetched`)
}

function showFiles(files: readonly DownloadedFile[], directory: string, passedMs: number): void {
  const received = files.reduce((sum, file) => sum + file.receivedBytes, 0)
  const outcomes = { kept: 'verified already', verified: 'was there, verified', fetched: 'fetched, verified' }
  for (const { name, bytes, outcome } of files) print(`${stateMark('success')} ${name}  ${size(bytes)}  ${outcomes[outcome]}`)
  const rate =
    received === 0
      ? 'nothing was fetched'
      : `${size(received)} in ${(passedMs / 1000).toFixed(1)} s, ${size((received * 1000) / passedMs)}/s`
  print(`${styled('bold', shownPath(directory))}: ${rate}`)
}

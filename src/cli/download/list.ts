/** `dag download --list` */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ListedDay, listYear, listYears } from '../../download/listing.ts'
import { readMonthManifest, verifiedFileIn } from '../../download/manifest.ts'
import { latestMonth } from '../../download/month.ts'
import { dumpNames } from '../../download/names.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { print, printJson, table } from '../output.ts'
import { about, type Scene, siteOf } from './scene.ts'

/** Shows the months of the site, or the files of one. */
export async function list({ config, options, signal, display }: Scene): Promise<void> {
  using site = siteOf(config)
  const asking = { rawDir: config.rawDir, signal, say: display.say }
  const month = options.latest === true ? await latestMonth(site, asking) : options.month
  const years = month === undefined ? await listYears(site, asking) : [month.slice(0, 4)]
  const days: ListedDay[] = []
  for (const year of years)
    days.push(...(await listYear(site, year, asking)).filter((day) => month === undefined || day.month === month))
  if (days.length === 0 && month !== undefined)
    throw new PipelineError(`${site.yearUrl(years[0] ?? '')} lists no file of ${month}`, {
      exitCode: exitCodes.notFound,
      retryable: false,
    })
  const onDisk = stateOnDisk(config.rawDir)
  if (options.json === true) return printJson(days.map((day) => ({ ...day, onDisk: onDisk(day) })))
  print(month === undefined ? monthTable(days, onDisk) : fileTable(days))
}

type OnDisk = (day: ListedDay) => { readonly verified: number; readonly present: number }

/** Sees what the manifests say and which files are there; reads none of them. */
function stateOnDisk(rawDir: string): OnDisk {
  return ({ month, files }) => {
    const directory = join(rawDir, month)
    const manifest = readMonthManifest(directory)
    const names = files.filter(({ dump }) => dump !== null).map(({ name }) => name)
    return {
      verified: names.filter((name) => verifiedFileIn(directory, manifest, name) !== null).length,
      present: names.filter((name) => existsSync(join(directory, name))).length,
    }
  }
}

function monthTable(days: readonly ListedDay[], onDisk: OnDisk): string {
  const rows = days.map((day) => {
    const bytes = day.files.reduce((sum, { aboutBytes }) => sum + (aboutBytes ?? 0), 0)
    const dumps = new Set(day.files.map(({ dump }) => dump))
    const { verified, present } = onDisk(day)
    const here = present === 0 ? '' : verified === dumpNames.length ? 'verified' : `${present} files, ${verified} verified`
    const missing = dumpNames.filter((dump) => !dumps.has(dump)).map((dump) => `no ${dump}`)
    const published = day.isWhole ? 'whole' : [...missing, ...(dumps.has(null) ? [] : ['no checksum file'])].join(', ')
    return [day.month, day.date, about(bytes), published, here]
  })
  return table(['!month', '!day', '?>size', 'published', 'here'], rows)
}

function fileTable(days: readonly ListedDay[]): string {
  const rows = days.flatMap(({ files }) => files.map(({ name, modified, aboutBytes }) => [name, about(aboutBytes), modified]))
  return table(['!file', '>size', '?modified'], rows)
}

/** What a page of the history was made from, without the library that draws it. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReportInput } from './report/model.ts'

const project = join(import.meta.dirname, '../..')
const drawing = 'src/history/report'

/** Of the numbers, and of the code and the libraries that draw them: the same ones give the same page, but for when it was made. */
export function originOf({ runs, kpis, growth }: Omit<ReportInput, 'generatedAt'>): string {
  drawnBy ??= hashOfCode()
  const hash = createHash('sha256').update(drawnBy)
  // In whatever order they come.
  for (const events of [runs, kpis, growth]) hash.update(events.map(lineOf).toSorted().join('\n')).update('\0')
  return hash.digest('hex')
}

/** Asked for every page. */
let drawnBy: string | null = null

function hashOfCode(): string {
  const hash = createHash('sha256')
  const parts = readdirSync(join(project, drawing), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  for (const file of ['package.json', `${drawing}.ts`, ...parts.toSorted().map((name) => `${drawing}/${name}`)])
    hash.update(file).update(readFileSync(join(project, file)))
  return hash.digest('hex')
}

function lineOf(event: object): string {
  return JSON.stringify(event, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
}

/** Stands in the head of a page. */
export function originMark(origin: string): string {
  return `<meta name="made-from" content="${origin}">`
}

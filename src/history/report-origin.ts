/** What a page of the history was made from, without the library that draws it. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReportInput } from './report/model.ts'

const project = join(import.meta.dirname, '../..')

/** Of the numbers, and of the code and the libraries that draw them: the same ones give the same page, but for when it was made. */
export function originOf({ runs, kpis, growth }: Omit<ReportInput, 'generatedAt'>): string {
  const hash = createHash('sha256')
  for (const file of ['package.json', ...globSync('src/history/{report.ts,report/**/*.ts}', { cwd: project }).toSorted()])
    hash.update(file).update(readFileSync(join(project, file)))
  const numbers = JSON.stringify([runs, kpis, growth], (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
  return hash.update(numbers).digest('hex')
}

/** Stands in the head of a page. */
export function originMark(origin: string): string {
  return `<meta name="made-from" content="${origin}">`
}

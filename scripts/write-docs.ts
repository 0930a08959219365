/**
 * Writes docs/datasets.md from the catalogue.
 *
 *     node scripts/write-docs.ts            writes it
 *     node scripts/write-docs.ts --check    exits 1 when it is out of date
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { datasetsPage } from './docs/datasets-page.ts'

const file = join(import.meta.dirname, '..', 'docs', 'datasets.md')

function main(args: readonly string[]): void {
  const page = datasetsPage()
  if (!args.includes('--check')) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, page)
    return
  }
  if (readFileSync(file, 'utf8') === page) return
  process.stderr.write('docs/datasets.md is not what the catalogue says: run `npm run docs`\n')
  process.exitCode = 1
}

if (import.meta.main) main(process.argv.slice(2))

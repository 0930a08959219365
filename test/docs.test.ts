import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { datasetsPage } from '../scripts/docs/datasets-page.ts'
import { compatibilityViews, datasets } from '../src/discogs/catalogue.ts'

test('docs/datasets.md is what the catalogue says (npm run docs)', () => {
  assert.equal(readFileSync(join(import.meta.dirname, '../docs/datasets.md'), 'utf8'), datasetsPage())
})

test('the page has a section for every dataset, with a row for every column, and every compatibility view', () => {
  const sections = new Map(
    datasetsPage()
      .split(/^###? /m)
      .map((section) => [section.slice(0, section.indexOf('\n')), section]),
  )
  for (const { name, columns } of datasets) {
    const rows =
      sections
        .get(name)
        ?.split('\n')
        .filter((line) => /^\| [a-z_]+ \| [A-Z]+ \| (yes|no) \| .+ \| .+ \|$/.test(line)) ?? []
    assert.deepEqual(
      rows.map((row) => row.split(' ')[1]),
      columns.map((column) => column.name),
    )
  }
  for (const { name } of compatibilityViews) assert.ok(sections.get('Compatibility views')?.includes(`| ${name} |`), name)
})

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compatibilityViews, datasets } from '../src/discogs/catalogue.ts'

const project = join(import.meta.dirname, '..')

test('dataset names and the columns of contract tables are written in the catalogue, the SQL texts and tests alone', () => {
  // A column name of one plain word (`name`, `title`) is English before it is ours.
  const columns = datasets.flatMap((dataset) => dataset.columns.map((column) => column.name)).filter((name) => name.includes('_'))
  // norm_name is also the name of the SQL function that computes it.
  const names = new Set([...datasets.map((dataset) => dataset.name), ...compatibilityViews.map((view) => view.name), ...columns])
  names.delete('norm_name')
  const elsewhere: string[] = []
  const files = globSync('{src,dags,scripts}/**/*.{ts,mjs}', { cwd: project }).filter(
    (file) => !/^src\/(discogs|demo)\//.test(file),
  )
  for (const file of files) {
    const text = readFileSync(join(project, file), 'utf8')
    for (const [word] of text.matchAll(/[a-z][a-z0-9]*(?:_[a-z0-9]+)+/g)) if (names.has(word)) elsewhere.push(`${file}: ${word}`)
  }
  console.log(`${names.size} names, ${files.length} files`)
  assert.deepEqual(elsewhere, [])
})

/** docs/datasets.md as text: the catalogue for people. */
import { type CompatibilityView, compatibilityViews, datasets, dumps } from '../../src/discogs/catalogue.ts'
import type { Column, Dataset, Dump } from '../../src/discogs/dataset.ts'
import { recordHashColumns } from '../../src/discogs/record-hashes.ts'
import { sourceInWords } from './source-in-words.ts'

const kinds = {
  contract: 'contract table: names and columns that existing SQL uses',
  relationship: 'relationship table: nothing joined into strings, ids kept',
  warehouse: 'warehouse table: computed by SQL',
} as const

export function datasetsPage(): string {
  const warehouse = datasets.filter((dataset) => dataset.kind === 'warehouse')
  const sections = [
    introduction(),
    ...dumps.map(dumpSection),
    `## Warehouse tables\n\nComputed from the tables above, sorted by all their columns.\n\n${warehouse.map(datasetSection).join('\n')}`,
    viewsSection(),
    recordHashesSection(),
  ]
  return sections.join('\n')
}

function introduction(): string {
  const counts = (['contract', 'relationship', 'warehouse'] as const).map(
    (kind) => `${datasets.filter((dataset) => dataset.kind === kind).length} ${kind} tables`,
  )
  const index = datasets.map(
    ({ name, kind, dump, about }) => `| [${name}](#${name}) | ${kind} | ${dump ?? ''} | ${escapeCell(about)} |`,
  )
  return `<!-- Written by scripts/write-docs.ts from src/discogs. Do not edit: run \`npm run docs\`. -->
# Datasets

${counts.join(', ')}. Each is a directory of Parquet files in a run: \`_runs/<run_id>/<dataset>/<run_id>-00000.parquet\`.

In *source*, \`a/b\` is a child path inside the record, \`@x\` an attribute, \`*\` every element of that path in document order. Text is verbatim;
what is missing, empty or only white space is NULL. Ids are whole numbers from 1; 0 and anything else is NULL. One element is one row,
also when every value in it is NULL; \`position\` counts from 1.

| dataset | kind | dump | about |
| --- | --- | --- | --- |
${index.join('\n')}
`
}

function dumpSection(dump: Dump): string {
  const { name, root, record, idPath, nested, ignored } = dump
  const tracks = nested === null ? '' : ` \`${nested.path}\` may contain \`${nested.within}\`, to any depth.`
  return `## ${name}

Record \`${root}/${record}\`, its id in \`${idPath}\`.${tracks} Ignored on purpose: ${ignored.map((path) => `\`${path}\``).join(', ')}.

${dump.datasets.map(datasetSection).join('\n')}`
}

function datasetSection({ name, kind, about, rows, columns, key, references }: Dataset): string {
  const elements = rows === null ? [] : Object.entries(rows.elements)
  const perRow = elements.map(
    ([label, path]) => `${path === '.' ? 'record' : `\`${path}\``}${label === '' ? '' : ` (\`${label}\`)`}`,
  )
  const facts = [
    `- ${kinds[kind]}`,
    ...(perRow.length === 0 ? [] : [`- a row for each ${perRow.join(' and each ')}`]),
    `- key: ${key.length === 0 ? 'none, every listing is a row' : key.map((column) => `\`${column}\``).join(', ')}`,
    ...references.map((to) => `- \`${to.column}\` refers to \`${to.dataset}.${to.references}\``),
  ]
  return `### ${name}

${about}

${facts.join('\n')}

| column | type | nullable | source | meaning |
| --- | --- | --- | --- | --- |
${columns.map(columnRow).join('\n')}
`
}

function columnRow(column: Column): string {
  const { name, type, nullable, meaning, accepted } = column
  const values = accepted === undefined ? '' : `; one of ${accepted.map((one) => `\`${one}\``).join(', ')}`
  return `| ${name} | ${type} | ${nullable ? 'yes' : 'no'} | ${escapeCell(sourceInWords(column))} | ${escapeCell(meaning + values)} |`
}

function recordHashesSection(): string {
  const columns = recordHashColumns.map(({ name, type, nullable }) => `| ${name} | ${type} | ${nullable ? 'yes' : 'no'} |`)
  return `## Record hashes

\`_runs/<run_id>/_record_hashes/<dump>/<run_id>-00000.parquet\` has a row for each accepted record of a dump, in the order of the dump. It is not a
dataset: no engine shows it as a table, and the manifest lists its files under \`record_hashes\`.

| column | type | nullable |
| --- | --- | --- |
${columns.join('\n')}

\`record_hash\` covers every value of every row that the record has in the datasets of its dump, in document order; the warehouse tables are not
included. NULL differs from any text, and a value counts for its dataset, row and column. Two records with the same id and the same hash have the same rows.
Different rows have the same hash once in 2^64. How the XML was written does not matter, nor do the records around it.

Compare hashes of two snapshots only when \`record_hash_version\` is the same in both manifests. It changes with the algorithm and with the
declared columns. Snapshots from before hashes were stored have neither key.
`
}

function viewsSection(): string {
  return `## Compatibility views

Views in the SQL engines under names that consumers' SQL already uses.

| view | same as |
| --- | --- |
${compatibilityViews.map(viewRow).join('\n')}
`
}

function viewRow({ name, of, distinct }: CompatibilityView): string {
  return `| ${name} | ${distinct === null ? `all rows of \`${of}\`` : `distinct ${distinct.join(', ')} of \`${of}\``} |`
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}

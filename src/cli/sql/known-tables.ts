/** Tables of a run as the catalogue knows them, the views among them. */
import { compatibilityViews, datasets } from '../../discogs/catalogue.ts'
import type { Column } from '../../discogs/dataset.ts'

export interface CompletedColumn {
  readonly name: string
  readonly type: string
  readonly about: string
}

export interface CompletedTable {
  readonly name: string
  readonly about: string
  readonly columns: readonly CompletedColumn[]
  /** The table that a view reads. */
  readonly of?: string
}

/** Every table and view, sorted by name. */
export function knownTables(): readonly CompletedTable[] {
  const tables = datasets.map(({ name, about, columns }) => ({ name, about, columns: columns.map(columnOf) }))
  const views = compatibilityViews.flatMap(({ name, of, distinct }) => {
    const table = tables.find((one) => one.name === of)
    if (table === undefined) return []
    const columns = table.columns.filter((column) => distinct === null || distinct.includes(column.name))
    return [{ name, about: `${distinct === null ? 'Another name of' : 'Distinct rows of'} ${of}.`, columns, of }]
  })
  return [...tables, ...views].toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

function columnOf({ name, type, meaning }: Column): CompletedColumn {
  return { name, type, about: meaning }
}

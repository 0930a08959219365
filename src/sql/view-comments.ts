/** Comments of views and their columns in DuckDB, where duckdb_views() and duckdb_columns() show them. */
import type { DuckDbEngine } from './duckdb.ts'
import { quoteIdentifier, quoteText } from './quote.ts'

export interface DescribedView {
  readonly name: string
  readonly about: string
  readonly columns: readonly { readonly name: string; readonly about: string }[]
}

/** The views must exist. */
export async function commentViews(engine: DuckDbEngine, views: readonly DescribedView[]): Promise<void> {
  const statements = views.flatMap(({ name, about, columns }) => {
    const view = quoteIdentifier(name)
    const ofColumns = columns.map((column) => {
      return `COMMENT ON COLUMN ${view}.${quoteIdentifier(column.name)} IS ${quoteText(column.about)}`
    })
    return [`COMMENT ON VIEW ${view} IS ${quoteText(about)}`, ...ofColumns]
  })
  if (statements.length > 0) await engine.executeAll({ name: 'comments', text: statements.join(';\n') })
}

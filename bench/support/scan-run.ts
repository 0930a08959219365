/** Reads every value of the sealed run that `argv[2]` names, once; see bench/history.ts. Without a run it only opens the engine. */
import { readManifest } from '../../src/lake/manifest.ts'
import { DuckDbEngine } from '../../src/sql/duckdb.ts'
import { quoteIdentifier } from '../../src/sql/quote.ts'
import { registerRun } from '../../src/sql/run-views.ts'
import { datasets } from '../../src/discogs/catalogue.ts'

const [directory] = process.argv.slice(2)
await using engine = await DuckDbEngine.open()
if (directory !== undefined) {
  const present = new Set(readManifest(directory).datasets.map(({ name }) => name))
  const tables = datasets.filter(({ name }) => present.has(name))
  await registerRun(engine, directory, tables)
  for (const { name, columns } of tables) {
    // A count or a minimum would be answered from the files' footers; a hash has to see the value.
    const seen = columns.map((column) => `bit_xor(hash(${quoteIdentifier(column.name)}))`)
    await engine.query({ name: `scan of ${name}`, text: `SELECT ${seen.join(', ')} FROM ${quoteIdentifier(name)}` })
  }
}

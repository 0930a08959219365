/** The embedded engine, and whether the published run can be read with it. */
import type { Config } from '../../config.ts'
import { compatibilityViews, datasets } from '../../discogs/catalogue.ts'
import { messageOf } from '../../errors.ts'
import { readManifest } from '../../lake/manifest.ts'
import { type ActiveRun, resolveActive } from '../../lake/pointer.ts'
import type { DuckDbEngine } from '../../sql/duckdb.ts'
import { quoteIdentifier, quoteText } from '../../sql/quote.ts'
import { type Finding, Findings } from './finding.ts'

export async function examineDuckDb(config: Config): Promise<readonly Finding[]> {
  const findings = new Findings('duckdb')
  const { DuckDbEngine } = await import('../../sql/duckdb.ts')
  try {
    await using engine = await DuckDbEngine.open()
    const [row] = await engine.query('SELECT version() AS version')
    findings.ok('opens', String(row?.['version']))
    await examinePublished(findings, engine, published(config))
  } catch (error) {
    findings.wrong('opens', messageOf(error), '`npm ci` installs it again')
  }
  return findings.list
}

/** What is wrong with the link is said elsewhere. */
function published({ lakeDir }: Config): ActiveRun | null {
  try {
    return resolveActive(lakeDir)
  } catch {
    return null
  }
}

async function examinePublished(findings: Findings, engine: DuckDbEngine, active: ActiveRun | null): Promise<void> {
  if (active === null) return findings.none('rows', 'nothing is published that could be read')
  const { registerReadable } = await import('../../sql/run-views.ts')
  const unreadable = await registerReadable(engine, active.dir, datasets, compatibilityViews)
  const written = new Map(readManifest(active.dir).datasets.map(({ name, rows }) => [name, rows]))
  const names = [...written.keys()].filter((name) => !unreadable.has(name) && datasets.some((dataset) => dataset.name === name))
  const questions = names.map((name) => `SELECT ${quoteText(name)} AS name, count(*) AS n FROM ${quoteIdentifier(name)}`)
  const counted = names.length === 0 ? [] : await engine.query({ name: 'rows', text: questions.join(' UNION ALL ') })
  const other = counted.filter((row) => Number(row['n']) !== written.get(String(row['name'])))
  findings.each('rows', {
    good: `${names.length} datasets of ${active.runId} have the rows of the manifest`,
    bad: [
      ...[...unreadable].filter(([name]) => written.has(name)).map(([name, problem]) => `${name}: ${problem}`),
      ...other.map((row) => `${row['name']}: ${row['n']} rows instead of ${written.get(String(row['name']))}`),
    ],
    advice: '`dag rollback` publishes what was before; then run the session again',
  })
}

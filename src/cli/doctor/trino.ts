/** The Trino server: whether it answers, sees the same lake, and knows the tables where they are. */
import type { Config } from '../../config.ts'
import { messageOf, PipelineError } from '../../errors.ts'
import type { SqlEngine } from '../../sql/engine.ts'
import type { TrinoEngine, TrinoSettings } from '../../sql/trino.ts'
import { type Finding, Findings } from './finding.ts'
import { examineSameLake } from './same-lake.ts'
import { examineTables } from './trino-tables.ts'

/** Beyond this, sessions and timestamps of the two machines cannot be compared by eye. */
const maxSkewMs = 5_000
const timeoutMs = 60_000

export async function examineTrino(config: Config): Promise<readonly Finding[]> {
  const findings = new Findings('trino')
  if (config.trino === null) {
    findings.none('server', 'none is set up', 'TRINO_URL names one; `dag infra start` starts one here')
    return findings.list
  }
  const engine = await reach(findings, config.trino)
  if (engine === null) return findings.list
  await using session = engine
  await examineServer(findings, session, config.trino)
  await examineClock(findings, session)
  const seen = await examineSameLake(findings, session, { ...config, trino: config.trino })
  if (seen !== false) await examineTables(findings, session, { ...config, trino: config.trino })
  return findings.list
}

async function reach(findings: Findings, settings: TrinoSettings): Promise<TrinoEngine | null> {
  const { TrinoEngine } = await import('../../sql/trino.ts')
  try {
    return await TrinoEngine.open(settings, { timeoutMs, patienceMs: 1_000 })
  } catch (error) {
    const hint = error instanceof PipelineError ? error.hint : undefined
    findings.wrong('server', messageOf(error), hint ?? `is it running at ${settings.url}? TRINO_URL names it`)
    return null
  }
}

async function examineServer(findings: Findings, engine: TrinoEngine, { url, catalog }: TrinoSettings): Promise<void> {
  const [version] = await engine.query('SELECT version() AS version')
  findings.ok('server', `${url}, version ${String(version?.['version'])}`)
  const [row] = await engine.query('SELECT connector_name FROM system.metadata.catalogs WHERE catalog_name = ?', [catalog])
  const connector = String(row?.['connector_name'])
  if (connector === 'hive') findings.ok('catalog', `${catalog}, connector hive`)
  else
    findings.wrong(
      'catalog',
      `${catalog} has the connector ${connector}`,
      'TRINO_CATALOG must name a catalog of the hive connector',
    )
}

/** The server's clock is read between two readings of ours. @param now this machine's clock, in ms since 1970 */
export async function examineClock(findings: Findings, engine: SqlEngine, now: () => number = Date.now): Promise<void> {
  const before = now()
  const [row] = await engine.query('SELECT CAST(to_unixtime(current_timestamp) * 1000 AS bigint) AS ms')
  const after = now()
  const server = Number(row?.['ms'])
  const skewMs = server < before ? server - before : server > after ? server - after : 0
  const shown = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`
  if (Math.abs(skewMs) <= maxSkewMs) findings.ok('clock', skewMs === 0 ? 'the same as here' : shown)
  else findings.wrong('clock', `the server is ${shown}`, 'synchronise the clocks of both machines (NTP)')
}

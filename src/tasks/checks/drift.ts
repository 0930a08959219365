/** Group `drift`: this month against the published one. Discogs only grows: what is much smaller was cut off. */
import { existsSync } from 'node:fs'
import { datasets } from '../../discogs/catalogue.ts'
import type { Dataset } from '../../discogs/dataset.ts'
import { PipelineError } from '../../errors.ts'
import { isGenerated, isGeneratedRun } from '../../lake/generated.ts'
import { isLimitedRun } from '../../lake/partial.ts'
import { runDir } from '../../lake/layout.ts'
import { prevLinks, resolveActive } from '../../lake/pointer.ts'
import { identifiers } from '../../sql/quote.ts'
import type { SqlEngine } from '../../sql/engine.ts'
import { loadSql } from '../../sql/texts.ts'
import type { CheckResult } from '../../scheduler/context.ts'
import { type Check, type Finding, skipped } from './check.ts'
import { type CheckScope, lackOfRecords, numberParam, type OpenRun } from './scope.ts'

export async function driftChecks(scope: CheckScope): Promise<readonly Check[]> {
  const percent = numberParam(scope.context, 'truncation_percent', 2)
  const previous = await previousRun(scope)
  return datasets.flatMap((dataset) => {
    const rows = driftCheck(scope, { dataset, previous, percent, name: 'rows', measure: rowCount })
    return dataset.essential ? [rows, driftCheck(scope, { dataset, previous, percent, name: 'max_id', measure: maxId })] : [rows]
  })
}

type Previous = (OpenRun & { readonly runId: string }) | string

/**
 * The published snapshot, or why there is nothing to compare with. The pointer is read once for all checks. Generated and real dumps say
 * nothing about each other: where the published snapshot is of the other kind, the last one of the same kind takes its place.
 */
async function previousRun({ context, reports, openRun }: CheckScope): Promise<Previous> {
  const { lakeDir, runId, params } = context
  const active = resolveActive(lakeDir)
  if (active === null) return 'there is no previous snapshot'
  if (active.runId === runId) return 'this run is the published one'
  const isDemo = reports.some((report) => isGenerated({ ...report, params }))
  const published = [active.runId, ...prevLinks(lakeDir).map((link) => link.runId)]
  const previous = published.find((one) => isSameKind(lakeDir, one, isDemo) && one !== runId)
  if (previous === undefined) return `the published ${active.runId} was made from ${isDemo ? 'real' : 'generated'} dumps`
  return { ...(await openRun(runDir(lakeDir, previous))), runId: previous }
}

/** False for a run that was removed, and for one of the first records only. */
function isSameKind(lakeDir: string, runId: string, isDemo: boolean): boolean {
  if (!existsSync(runDir(lakeDir, runId)) || isGeneratedRun(lakeDir, runId) !== isDemo) return false
  return !isLimitedRun(lakeDir, runId)
}

interface Drift {
  readonly dataset: Dataset
  readonly previous: Previous
  readonly percent: number
  readonly name: string
  readonly measure: (engine: SqlEngine, dataset: Dataset) => Promise<bigint>
}

function driftCheck({ engine, context }: CheckScope, { dataset, previous, percent, name, measure }: Drift): Check {
  const lack = lackOfRecords(context)
  const compare = async (): Promise<Finding> => {
    if (lack !== null) return skipped(lack)
    const value = await measure(engine, dataset)
    if (typeof previous === 'string') return { value, ok: true, details: previous }
    const { runId, problems } = previous
    const problem = problems.get(dataset.name)
    if (problem !== undefined) return { value, ok: true, severity: 'INFO', details: `previous snapshot ${runId}: ${problem}` }
    const before = await measure(previous.engine, dataset)
    const ok = 100 * Number(value) >= (100 - percent) * Number(before)
    const compared = `previous snapshot ${runId}`
    if (ok) return { value, ok, previous: before, details: compared }
    if (monthOf(runId) <= monthOf(context.runId))
      return { value, ok, previous: before, details: `${compared}; ${howToAccept(percentBelow(value, before))}` }
    return {
      value,
      ok,
      previous: before,
      severity: 'WARN',
      details: `${compared} is of a later month: a smaller one may be right`,
    }
  }
  const severity = dataset.essential ? 'CRITICAL' : 'WARN'
  return {
    name: `drift.${name}.${dataset.name}`,
    severity,
    dataset: dataset.name,
    expected: `>= ${100 - percent} % of previous`,
    measure: compare,
  }
}

/** What to do where a smaller month is right; undefined when no result is below the previous snapshot. */
export function hintToAccept(failures: readonly CheckResult[]): string | undefined {
  const percents = failures.flatMap(({ checkName, value, previous }) =>
    checkName.startsWith('drift.') && value !== null && previous !== null ? [percentBelow(BigInt(value), BigInt(previous))] : [],
  )
  return percents.length === 0 ? undefined : howToAccept(Math.max(...percents))
}

/** The least whole percentage that lets `value` pass. */
function percentBelow(value: bigint, before: bigint): number {
  return before === 0n ? 0 : Number((100n * (before - value) + before - 1n) / before)
}

function howToAccept(percent: number): string {
  return `if the smaller month is right, pass --param truncation_percent=${percent}`
}

/** Run ids begin with the month of their dumps. */
function monthOf(runId: string): string {
  return runId.slice(0, 'YYYY-MM'.length)
}

async function rowCount(engine: SqlEngine, dataset: Dataset): Promise<bigint> {
  return oneCount(engine, 'row_count', { dataset: identifiers(dataset.name) })
}

async function maxId(engine: SqlEngine, dataset: Dataset): Promise<bigint> {
  return oneCount(engine, 'max_id', { dataset: identifiers(dataset.name), column: identifiers(...dataset.key) })
}

/** The one number a question returns, 0 for NULL. */
async function oneCount(engine: SqlEngine, question: string, fragments: Parameters<typeof loadSql>[1]): Promise<bigint> {
  const sql = await loadSql(`checks/${question}`, fragments)
  const value = (await engine.table(sql)).rows[0]?.[0] ?? 0n
  if (typeof value !== 'bigint') throw new PipelineError(`${sql.name}: a count was expected, not ${value}`)
  return value
}

/** Check results as files, and what they mean for the task. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeFileAtomically, writeJson } from '../../lake/atomic-file.ts'
import type { CheckResult } from '../../scheduler/context.ts'
import { toCsv } from '../../sql/csv.ts'
import type { SqlValue } from '../../sql/engine.ts'

const columns = {
  check_name: (result) => result.checkName,
  severity: (result) => result.severity,
  value: (result) => result.value,
  ok: (result) => result.ok,
  details: (result) => result.details,
  dataset: (result) => result.dataset,
  expected: (result) => result.expected,
  previous: (result) => result.previous,
} as const satisfies Record<string, (result: CheckResult) => SqlValue>

/** `<file>.csv`, and `<file>.json` with the samples. The same results give the same bytes: no duration is in them. */
export function writeResults(file: string, results: readonly CheckResult[]): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileAtomically(`${file}.csv`, toCsv(Object.keys(columns), results.map(valuesOf)))
  const lines = results.map((result) => {
    return { ...Object.fromEntries(Object.entries(columns).map(([name, read]) => [name, read(result)])), sample: result.sample }
  })
  writeJson(`${file}.json`, lines)
}

/** One CSV file that also says how long each check took. */
export function writeTimedResults(file: string, results: readonly CheckResult[]): void {
  mkdirSync(dirname(file), { recursive: true })
  const rows = results.map((result) => [...valuesOf(result), result.durationMs])
  writeFileAtomically(file, toCsv([...Object.keys(columns), 'duration_ms'], rows))
}

function valuesOf(result: CheckResult): SqlValue[] {
  return Object.values(columns).map((read) => read(result))
}

/** The failures that stop a month. */
export function criticalFailures(results: readonly CheckResult[]): readonly CheckResult[] {
  return results.filter(({ ok, severity }) => !ok && severity === 'CRITICAL')
}

/** Failures in words, the first few by name. */
export function describeFailures(failures: readonly CheckResult[]): string {
  const shown = failures
    .slice(0, 10)
    .map(({ checkName, value, details }) => `${checkName} (${[value, details].filter(Boolean).join('; ')})`)
  const rest = failures.length - shown.length
  return `${failures.length} critical check${failures.length === 1 ? '' : 's'} failed: ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** How many checks there were and how they ended. */
export function summary(results: readonly CheckResult[]): string {
  const failed = (severity: CheckResult['severity']): number =>
    results.filter((result) => !result.ok && result.severity === severity).length
  return `${results.length} checks: ${failed('CRITICAL')} CRITICAL, ${failed('WARN')} WARN, ${failed('INFO')} INFO failed`
}

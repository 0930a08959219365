/** What a check is, and how a list of them is run. */
import type { CheckResult, Severity, TaskContext } from '../../scheduler/context.ts'
import { messageOf } from '../../errors.ts'

/** One question. It errs by throwing: that is a failed check, too. */
export interface Check {
  readonly name: string
  readonly severity: Severity
  readonly dataset: string | null
  /** What is asked for, in words a person reads. */
  readonly expected: string
  measure(): Promise<Finding>
}

export interface Finding {
  readonly value: string | number | bigint | null
  readonly ok: boolean
  readonly details?: string
  readonly previous?: string | number | bigint | null
  /** Where it depends on what was measured. */
  readonly severity?: Severity
  /** A few failing rows. */
  readonly sample?: readonly Readonly<Record<string, unknown>>[]
}

export interface RunOptions {
  /** How many are asked at once. Default 1. */
  readonly atOnce?: number
  /** What it means that a check threw. Default: it has failed. Throws to end them all. */
  readonly onError?: (check: Check, error: unknown) => Finding
}

/** Of a check that makes no sense on a run. @param reason why, such as "the run holds only …" */
export function skipped(reason: string): Finding {
  return { value: null, ok: true, severity: 'INFO', details: `skipped: ${reason}` }
}

/** Runs checks; one that throws has failed. An abort of the task ends them all. @returns results in the order of the checks */
export async function runChecks(
  checks: readonly Check[],
  context: Pick<TaskContext, 'now' | 'signal' | 'progress' | 'log'>,
  { atOnce = 1, onError = unmeasured }: RunOptions = {},
): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  let done = 0
  const queue = checks.entries()
  let isOver = false
  const worker = async (): Promise<void> => {
    for (const [index, check] of queue) {
      if (isOver) return
      context.progress({ done, total: checks.length, unit: 'steps', message: check.name })
      const startedMs = context.now().getTime()
      const finding = await check.measure().catch((error: unknown) => onError(check, error))
      context.signal.throwIfAborted()
      const result = resultOf(check, finding, context.now().getTime() - startedMs)
      results[index] = result
      done += 1
      if (!result.ok && result.severity !== 'INFO') context.log(describe(result))
    }
  }
  const guarded = async (): Promise<void> => {
    try {
      await worker()
    } finally {
      // Another one's error ends the work of all; there is nothing left to do when none has erred.
      isOver = true
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(atOnce, checks.length) }, guarded))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  context.progress({ done: checks.length, total: checks.length, unit: 'steps' })
  return results
}

/** A check that threw has failed. An engine goes on to show the statement; a table of checks has no room for it. */
export function unmeasured(_: Check, error: unknown): Finding {
  const [reason = ''] = messageOf(error).split('\n')
  return { value: null, ok: false, details: `it could not be measured: ${reason}` }
}

function resultOf({ name, severity, dataset, expected }: Check, finding: Finding, durationMs: number): CheckResult {
  return {
    checkName: name,
    severity: finding.severity ?? severity,
    dataset,
    value: textOf(finding.value),
    expected,
    previous: textOf(finding.previous ?? null),
    ok: finding.ok,
    details: finding.details ?? '',
    durationMs,
    sample: (finding.sample ?? []).map(plainRow),
  }
}

function describe({ severity, checkName, value, expected, details }: CheckResult): string {
  return `${severity} ${checkName}: ${value ?? 'no value'}, expected ${expected}${details === '' ? '' : `; ${details}`}`
}

function textOf(value: string | number | bigint | null): string | null {
  return value === null ? null : String(value)
}

/** JSON has no bigint: one that a number cannot hold becomes text. */
function plainRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? plainNumber(value) : value]),
  )
}

function plainNumber(value: bigint): number | string {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value)
}

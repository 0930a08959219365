import type { CheckResult } from '../context.ts'
import { build, type Connection } from './connection.ts'
import type { TryKey } from './writer.ts'

export function insertChecks(connection: Connection, key: TryKey, checks: readonly CheckResult[]): void {
  for (const check of checks) {
    const row = {
      run_id: key.runId,
      attempt: key.attempt,
      task_id: key.taskId,
      try: key.tryNumber,
      check_name: check.checkName,
      severity: check.severity,
      dataset: check.dataset,
      value: check.value,
      expected: check.expected,
      previous: check.previous,
      ok: check.ok ? 1 : 0,
      details: check.details,
      duration_ms: check.durationMs,
      sample: JSON.stringify(check.sample),
      recorded_at: connection.timestamp(),
    }
    connection.run(build.insertInto('check_result').values(row))
  }
}

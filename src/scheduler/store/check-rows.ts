import type { CheckResult } from '../context.ts'
import type { Connection } from './connection.ts'
import type { TryKey } from './writer.ts'

export function insertChecks(connection: Connection, key: TryKey, checks: readonly CheckResult[]): void {
  for (const check of checks) {
    const { ok, sample, ...rest } = check
    connection.run(
      `insert into check_result (run_id, attempt, task_id, try, check_name, severity, dataset, value, expected, previous, ok, details,
         duration_ms, sample, recorded_at)
       values (@runId, @attempt, @taskId, @tryNumber, @checkName, @severity, @dataset, @value, @expected, @previous, @ok, @details,
         @durationMs, @sample, @recordedAt)`,
      { ...key, ...rest, ok: ok ? 1 : 0, sample: JSON.stringify(sample), recordedAt: connection.timestamp() },
    )
  }
}

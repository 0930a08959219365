/** A check: passes, warns (`args[0]` = warn), lies about a critical failure (lie) or fails (fail) until attempt 2. */
import { PipelineError } from '../../../src/errors.ts'
import type { CheckResult } from '../../../src/scheduler/context.ts'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

function result(checkName: string, severity: CheckResult['severity'], ok: boolean): CheckResult {
  const sample = ok ? [] : [{ id: 7 }]
  return {
    checkName,
    severity,
    dataset: 'things',
    value: '1',
    expected: '= 1',
    previous: null,
    ok,
    details: ok ? 'fine' : 'bad',
    durationMs: 1.5,
    sample,
  }
}

export async function verify(context: TaskContext): Promise<TaskResult> {
  const [mode = 'pass'] = context.args
  const bad = mode === 'lie' || (mode === 'fail' && context.attempt === 1)
  context.recordChecks([result('first', 'CRITICAL', !bad), result('second', 'WARN', mode !== 'warn')])
  if (mode === 'fail' && bad) throw new PipelineError('critical check first failed', { retryable: false })
  return {}
}

if (import.meta.main) await runTask(verify)

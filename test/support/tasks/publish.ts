/** Publishes by writing `<lake>/published`, with the real ledger. `args[0]` = hold stops it before the move. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../../../src/errors.ts'
import type { TaskContext, TaskResult } from '../../../src/scheduler/context.ts'
import { runTask } from '../../../src/task-process.ts'

export async function publish(context: TaskContext): Promise<TaskResult> {
  const ledger = context.ledger()
  if (ledger === null) throw new PipelineError('this task needs a scheduler', { retryable: false })
  for (const { id } of ledger.unfinished(context.lakeDir)) ledger.settle(id, 'undone', 'its process died')
  const promotion = {
    kind: 'promote',
    fromRunId: null,
    toRunId: context.runId,
    prevLink: null,
    who: 'test',
    reason: 'dag',
  } as const
  const id = ledger.begin(promotion)
  context.reached('after-intent')
  mkdirSync(context.lakeDir, { recursive: true })
  ledger.complete(id, () => writeFileSync(join(context.lakeDir, 'published'), context.runId))
  return { note: `promotion ${id}` }
}

if (import.meta.main) await runTask(publish)

import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { Collection, type RetentionRules } from '../retention/collect.ts'
import { kindNames, whatFreesMore } from '../retention/summary.ts'
import { runTask } from '../task-process.ts'

/** Lists what nobody needs any more in the lake, the raw directory and the state; removes it when the param `remove` says so. */
export async function gc(context: TaskContext): Promise<TaskResult> {
  const { lakeDir, rawDir, params } = context
  const scene = { lakeDir, rawDir, book: context.runBook(), now: context.now(), reached: (step: string) => context.reached(step) }
  const found = await Collection.find(scene, rulesOf(params))
  for (const one of found.garbage) context.log(`may go: ${kindNames[one.kind]} ${one.name}: ${one.reason}`)
  for (const one of found.logs) context.log(`may go: logs of ${one.runId}: its run ended long ago`)
  for (const one of found.kept) context.log(`stays: ${kindNames[one.kind]} ${one.name}: ${one.reason}`)
  for (const line of whatFreesMore(found.kept)) context.log(line)
  const count = found.garbage.length + found.logs.length
  if (params['remove'] !== 'true') return { note: `${count} could go; remove=true removes them` }
  const removed = await found.remove()
  for (const path of removed) context.log(`removed ${path}`)
  return { note: `${removed.length} of ${count} removed` }
}

/** 0 months keep all. */
function rulesOf(params: Readonly<Record<string, string>>): RetentionRules {
  const number = (name: string): number => Number(params[name] ?? 0)
  const months = (name: string): number | null => (number(name) === 0 ? null : number(name))
  return {
    keep: number('keep'),
    keepPublished: months('keep_published'),
    measured: params['measured'] === 'true',
    rawMonths: months('raw_months'),
    stagingDays: number('staging_days'),
    logDays: number('log_days'),
  }
}

if (import.meta.main) await runTask(gc)

/** What a plan is, and how to walk it. */
import { z } from 'zod'

const taskSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['task', 'check', 'promote']),
  script: z.string(),
  args: z.array(z.string()).readonly(),
  upstream: z.array(z.string()).readonly(),
  retries: z.int().min(0),
  retryDelayMs: z.int().min(0),
  retryMaxDelayMs: z.int().min(0).default(3_600_000),
  pool: z.string().nullable().default(null),
  priority: z.int().default(0),
  timeoutMs: z.int().min(1).nullable(),
  requires: z.record(z.string(), z.string()).readonly(),
  /** For `sh -c`, from the project's directory. */
  command: z.string().min(1),
})

/** Defaults are for plans on record that were compiled before there was such a member. */
export const planSchema = z.strictObject({
  dagId: z.string(),
  maxActiveRuns: z.int().min(1).nullable().default(null),
  pools: z.record(z.string(), z.int().min(1)).readonly().default({}),
  /** Doing something twice is safe, keeping what is not there any more is not. */
  stages: z.boolean().default(true),
  tasks: z.array(taskSchema.readonly()).readonly(),
})

export type PlannedTask = z.output<typeof taskSchema>
export type Plan = Readonly<z.output<typeof planSchema>>

/** Every task above `taskId`, in plan order. */
export function transitiveUpstream(plan: Plan, taskId: string): readonly PlannedTask[] {
  const above = new Set(taskNamed(plan, taskId)?.upstream)
  for (const task of plan.tasks.toReversed()) {
    if (above.has(task.id)) for (const upstream of task.upstream) above.add(upstream)
  }
  return plan.tasks.filter((task) => above.has(task.id))
}

export function taskNamed(plan: Plan, taskId: string): PlannedTask | undefined {
  return plan.tasks.find((task) => task.id === taskId)
}

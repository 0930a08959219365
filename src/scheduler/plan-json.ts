/** Plans read from JSON. A module of its own, since most commands read none and its validator is slow to load. */
import { z } from 'zod'
import { PipelineError } from '../errors.ts'
import { checkPlan } from './plan-check.ts'
import { standardDeferLimitMs } from './dag.ts'
import type { Plan } from './plan-graph.ts'

const taskSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['task', 'check', 'promote']),
  script: z.string(),
  args: z.array(z.string()),
  upstream: z.array(z.string()),
  retries: z.int().min(0),
  retryDelayMs: z.int().min(0),
  retryMaxDelayMs: z.int().min(0).default(3_600_000),
  pool: z.string().nullable().default(null),
  priority: z.int().default(0),
  timeoutMs: z.int().min(1).nullable(),
  deferLimitMs: z.int().min(1).default(standardDeferLimitMs),
  requires: z.record(z.string(), z.string()),
  command: z.string().min(1),
})

/** Defaults are for plans on record that were compiled before there was such a member. */
const planSchema = z.strictObject({
  dagId: z.string(),
  maxActiveRuns: z.int().min(1).nullable().default(null),
  pools: z.record(z.string(), z.int().min(1)).default({}),
  /** Doing something twice is safe, keeping what is not there any more is not. */
  stages: z.boolean().default(true),
  tasks: z.array(taskSchema),
})

/**
 * Reads a plan from JSON and checks it as `compile` of plan.ts does, all but the existence of scripts.
 * @throws PipelineError (exit 2)
 */
export function parsePlan(json: string): Plan {
  try {
    return checkPlan(planSchema.parse(JSON.parse(json)))
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    throw new PipelineError('the JSON given is not a plan', { exitCode: 2, retryable: false, cause })
  }
}

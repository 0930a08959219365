/** May a promotion happen? Pure; asked by the loop before the promote task starts and again by the ledger inside its process. */
import { type Plan, type PlannedTask, transitiveUpstream } from './plan-graph.ts'
import type { TaskState } from './states.ts'

/** What the gate must know of a task of the attempt. */
export interface GateTask {
  readonly state: TaskState
  /** The earlier attempt in which it succeeded, null when it ran in this one. */
  readonly carriedFrom: number | null
}

/**
 * A promote task may start only when every check above it has succeeded in this attempt, or was carried over from an earlier one
 * together with everything above it.
 * @returns what keeps the gate closed, in words; empty when it is open
 */
export function closedBy(plan: Plan, taskId: string, tasks: ReadonlyMap<string, GateTask>): readonly string[] {
  const checks = transitiveUpstream(plan, taskId).filter((task) => task.kind === 'check')
  if (checks.length === 0) return ['there is no check above it']
  return checks.flatMap((check) => doubt(plan, check, tasks))
}

/**
 * The gate of a whole run, for a promotion asked for by hand: the checks above its promote tasks, or all checks when it has none.
 * @returns what keeps the gate closed, in words; empty when it is open
 */
export function runClosedBy(plan: Plan, tasks: ReadonlyMap<string, GateTask>): readonly string[] {
  const promotions = plan.tasks.filter((task) => task.kind === 'promote')
  if (promotions.length > 0) return [...new Set(promotions.flatMap((task) => closedBy(plan, task.id, tasks)))]
  const checks = plan.tasks.filter((task) => task.kind === 'check')
  return checks.length === 0 ? ['the run has no checks'] : checks.flatMap((check) => doubt(plan, check, tasks))
}

/** @returns why the guardrail of a promote task holds it back, null when it does not */
export function unmetGuardrail(task: PlannedTask, params: Readonly<Record<string, string>>): string | null {
  const unmet = Object.entries(task.requires).filter(([name, value]) => params[name] !== value)
  if (unmet.length === 0) return null
  return `guardrail: ${unmet.map(([name, value]) => `${name} is ${params[name] ?? 'not set'}, not ${value}`).join('; ')}`
}

function doubt(plan: Plan, check: PlannedTask, tasks: ReadonlyMap<string, GateTask>): readonly string[] {
  const task = tasks.get(check.id)
  if (task?.state !== 'success') return [`${check.id} is ${task?.state ?? 'not recorded'}`]
  if (task.carriedFrom === null) return []
  const renewed = transitiveUpstream(plan, check.id).find((above) => (tasks.get(above.id)?.carriedFrom ?? null) === null)
  return renewed === undefined
    ? []
    : [`${check.id} was carried over from attempt ${task.carriedFrom}, but ${renewed.id} above it was not`]
}

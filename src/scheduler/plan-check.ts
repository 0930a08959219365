/** What every plan must satisfy, whether compiled from a dag or read from JSON. */
import { PipelineError } from '../errors.ts'
import { suggest } from './nearest.ts'
import { type Plan, type PlannedTask, taskNamed, transitiveUpstream } from './plan-graph.ts'

/** Ids stand in file names, environment variables and SQL. */
const idPattern = /^[a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*$/
const scriptPattern = /^[a-z][a-z0-9_-]*$/

/**
 * @returns the plan with its tasks in topological order; tasks without an order between them stay as they were
 * @throws PipelineError (exit 2) that names the dag and the task at fault
 */
export function checkPlan(plan: Plan): Plan {
  if (!idPattern.test(plan.dagId)) throw invalid(plan, `its name may hold ${allowed} only`)
  if (plan.tasks.length === 0) throw invalid(plan, 'it has no tasks')
  checkTasks(plan)
  checkLimits(plan)
  const sorted = { ...plan, tasks: sortTasks(plan) }
  for (const task of sorted.tasks) checkPromotion(sorted, task)
  return sorted
}

const allowed = 'lower case letters, digits, "_", and "." or "-" between them'

function checkTasks(plan: Plan): void {
  const seen = new Set<string>()
  for (const { id, script } of plan.tasks) {
    if (!idPattern.test(id)) throw invalid(plan, `task id ${JSON.stringify(id)}: ${allowed} only`)
    if (!scriptPattern.test(script))
      throw invalid(plan, `task ${id}: script ${JSON.stringify(script)}: lower case letters, digits, "-" and "_" only`)
    if (seen.has(id)) throw invalid(plan, `task ${id} is defined twice`)
    seen.add(id)
  }
  for (const { id, upstream } of plan.tasks) {
    const unknown = upstream.find((above) => !seen.has(above))
    if (unknown !== undefined)
      throw invalid(plan, `task ${id}: its upstream ${JSON.stringify(unknown)} is not a task`, suggest(unknown, [...seen]))
    if (new Set(upstream).size < upstream.length)
      throw invalid(plan, `task ${id} names an upstream task twice: ${upstream.join(', ')}`)
  }
}

function checkLimits(plan: Plan): void {
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1
  if (plan.maxActiveRuns !== null && !isCount(plan.maxActiveRuns)) throw invalid(plan, `maxActiveRuns is ${plan.maxActiveRuns}`)
  for (const [pool, size] of Object.entries(plan.pools))
    if (!isCount(size)) throw invalid(plan, `pool ${pool} has ${size} places`)
  const stray = plan.tasks.find(({ pool }) => pool !== null && plan.pools[pool] === undefined)
  if (stray === undefined) return
  const names = Object.keys(plan.pools)
  throw invalid(
    plan,
    `task ${stray.id}: there is no pool ${stray.pool}`,
    suggest(String(stray.pool), names) ?? `its pools: ${names.join(', ') || 'none'}`,
  )
}

/** Takes again and again the first task whose upstream tasks are all taken. */
function sortTasks(plan: Plan): readonly PlannedTask[] {
  const taken = new Map<string, PlannedTask>()
  while (taken.size < plan.tasks.length) {
    const next = plan.tasks.find((task) => !taken.has(task.id) && task.upstream.every((above) => taken.has(above)))
    if (next === undefined) throw invalid(plan, `tasks wait for each other in a circle: ${circle(plan, taken).join(' → ')}`)
    taken.set(next.id, next)
  }
  return [...taken.values()]
}

/** Walks upstream among the tasks that cannot be ordered until one comes again. */
function circle(plan: Plan, taken: ReadonlyMap<string, PlannedTask>): readonly string[] {
  const path: string[] = []
  let current = plan.tasks.find((task) => !taken.has(task.id))?.id
  while (current !== undefined && !path.includes(current)) {
    path.unshift(current)
    current = taskNamed(plan, current)?.upstream.find((above) => !taken.has(above))
  }
  return current === undefined ? path : [current, ...path.slice(0, path.indexOf(current) + 1)]
}

function checkPromotion(plan: Plan, task: PlannedTask): void {
  if (task.kind !== 'promote') {
    if (Object.keys(task.requires).length > 0)
      throw invalid(plan, `task ${task.id}: only a promote task may have a guardrail (requires)`)
    return
  }
  if (transitiveUpstream(plan, task.id).some((above) => above.kind === 'check')) return
  throw invalid(
    plan,
    `promote task ${task.id} has no check upstream: nothing would be published unchecked`,
    'put a check above it',
  )
}

function invalid(plan: Plan, problem: string, hint?: string): PipelineError {
  return new PipelineError(`dag ${plan.dagId} is not valid: ${problem}`, {
    exitCode: 2,
    retryable: false,
    ...(hint === undefined ? {} : { hint }),
  })
}

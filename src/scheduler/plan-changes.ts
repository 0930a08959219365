/** What differs between two plans of a dag, for people. Pure. */
import { canonicalJson } from './plan.ts'
import type { Plan, PlannedTask } from './plan-graph.ts'

/** A line for each task that was added, removed or changed; none when the plans say the same of every task. */
export function planChanges(before: Plan, after: Plan): readonly string[] {
  const old = new Map(before.tasks.map((task) => [task.id, task]))
  const kept = new Set(after.tasks.map(({ id }) => id))
  return [
    ...before.tasks.filter(({ id }) => !kept.has(id)).map(({ id }) => `- ${id}`),
    ...after.tasks.flatMap((task) => {
      const one = old.get(task.id)
      return one === undefined ? [`+ ${task.id}: ${task.command}`] : changesOf(one, task)
    }),
  ]
}

function changesOf(before: PlannedTask, after: PlannedTask): readonly string[] {
  // The command says both.
  const { script: _script, args: _args, ...members } = after
  const names = Object.keys(members) as readonly (keyof typeof members)[]
  const changed = names.filter((name) => canonicalJson(before[name]) !== canonicalJson(after[name]))
  return changed.map((name) => `~ ${after.id}: ${name} ${textOf(before[name])} → ${textOf(after[name])}`)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value)
}

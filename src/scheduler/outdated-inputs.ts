/** Before a run goes on: which of its succeeded tasks have read files that have changed since. */
import { whyOutdated } from '../lake/input-file.ts'
import type { PlannedTask } from './plan-graph.ts'
import type { TaskRecord } from './store.ts'

/** By task id, why it must run again. */
export type Outdated = ReadonlyMap<string, string>

/**
 * Looks at the inputs of each kept task whose output a task that runs is about to read. The others no longer matter: whatever was made of
 * them was accepted as a whole.
 * @param kept which tasks the attempt would keep without those that are outdated
 */
export async function outdatedInputs(
  { rawDir, tasks }: { readonly rawDir: string; readonly tasks: readonly PlannedTask[] },
  kept: (outdated: readonly string[]) => readonly TaskRecord[],
): Promise<Outdated> {
  const outdated = new Map<string, string>()
  const seen = new Set<string>()
  for (;;) {
    const carried = kept([...outdated.keys()])
    const next = carried.filter((task) => !seen.has(task.taskId) && isReadAgain(tasks, carried, task))
    if (next.length === 0) return outdated
    for (const { taskId, inputs } of next) {
      seen.add(taskId)
      const reasons = await Promise.all((inputs ?? []).map((input) => whyOutdated(rawDir, input)))
      const reason = reasons.find((one) => one !== null)
      if (reason != null) outdated.set(taskId, reason)
    }
  }
}

function isReadAgain(tasks: readonly PlannedTask[], carried: readonly TaskRecord[], { taskId }: TaskRecord): boolean {
  return tasks.some(({ id, upstream }) => upstream.includes(taskId) && !carried.some((one) => one.taskId === id))
}

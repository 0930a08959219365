import type { Plan, PlannedTask } from '../plan.ts'

const shapes = { task: ['[', ']'], check: ['{{', '}}'], promote: ['([', '])'] } as const

/** A Mermaid flow chart: checks are hexagons, promotions are rounded. */
export function renderMermaid(plan: Plan): string {
  const nodes = new Map(plan.tasks.map((task, index) => [task.id, `t${index}`]))
  const lines = [
    ...plan.tasks.map((task) => `  ${nodes.get(task.id)}${boxed(task)}`),
    ...plan.tasks.flatMap((task) => task.upstream.map((above) => `  ${nodes.get(above)} --> ${nodes.get(task.id)}`)),
  ]
  return `flowchart TD\n${lines.join('\n')}\n`
}

function boxed({ kind, id }: PlannedTask): string {
  const [open, close] = shapes[kind]
  return `${open}"${id}"${close}`
}

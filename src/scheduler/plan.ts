/** A compiled dag: tasks in topological order, each with the one shell command that runs it. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import type { Dag } from './dag.ts'
import { checkPlan } from './plan-check.ts'
import { suggest } from './nearest.ts'
import type { Plan, PlannedTask } from './plan-graph.ts'
import { sessionOf } from './session.ts'
import { checkTimetable } from './timetable.ts'

export type { Plan, PlannedTask } from './plan-graph.ts'

export interface CompileOptions {
  readonly projectDir: string
  /** Where the scripts lie, relative to the project. Default `src/tasks`. */
  readonly scriptsDir?: string
}

/** @throws PipelineError (exit 2) that names the task at fault */
export function compile(dag: Dag, { projectDir, scriptsDir = 'src/tasks' }: CompileOptions): Plan {
  const tasks = dag.tasks.map(({ nodeOptions, environment, ...task }) => ({
    ...task,
    command: commandOf([...nodeOptions, `${scriptsDir}/${task.script}.ts`, ...task.args], environment),
  }))
  const { name: dagId, maxActiveRuns, pools, stages } = dag
  const plan = checkPlan({ dagId, maxActiveRuns, pools, stages, tasks })
  if (dag.timetable !== null) checkTimetable(dag.name, dag.timetable)
  checkRerun(dag)
  for (const task of plan.tasks) {
    const file = `${scriptsDir}/${task.script}.ts`
    if (!existsSync(join(projectDir, file)))
      throw invalid(`task ${task.id} of dag ${dag.name}: there is no script ${task.script} (${file})`)
    checkRequires(dag, task)
  }
  return plan
}

/** A guardrail on a param that does not exist would never open. */
function checkRequires(dag: Dag, { id, requires }: PlannedTask): void {
  if (Object.keys(requires).length === 0) return
  const names = dag.describeParams(sessionOf(new Date(0))).map(({ name }) => name)
  const stranger = Object.keys(requires).find((name) => !names.includes(name))
  if (stranger !== undefined)
    throw invalid(`task ${id} of dag ${dag.name} requires ${stranger}, which is no param of the dag`, suggest(stranger, names))
}

function checkRerun({ name, rerun }: Dag): void {
  if (rerun === null) return
  for (const [option, value] of Object.entries(rerun))
    if (!Number.isInteger(value) || value < 1)
      throw invalid(`dag ${name}: rerun.${option} is ${value}: a whole number from 1 is expected`)
}

/** JSON with sorted keys and no white space: equal plans, equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
}

/** sha256 of the canonical JSON, hexadecimal. */
export function planHash(plan: Plan): string {
  return hashOf(canonicalJson(plan))
}

/** Of a text, as {@link planHash} takes it of a plan's. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Quotes for a POSIX shell; plain words stay as they are. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function commandOf(words: readonly string[], environment: Readonly<Record<string, string>>): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellQuote(value)}`)
  return [...variables, 'exec node', ...words.map(shellQuote)].join(' ')
}

function invalid(message: string, hint?: string): PipelineError {
  return new PipelineError(message, { exitCode: 2, retryable: false, ...(hint === undefined ? {} : { hint }) })
}

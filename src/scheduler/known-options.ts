/**
 * Names of options as a dag file writes them. Node strips its types without looking at them, so a misspelt option would have no effect, and
 * nobody would be told.
 */
import { exitCodes, PipelineError } from '../errors.ts'
import type { DagOptions, PromoteOptions, Rerun, ScheduleOptions } from './dag.ts'
import { suggest } from './nearest.ts'
import type { ParamsSchema } from './params.ts'

type Names<Options> = Readonly<Record<keyof Options, true>>

const taskOptions: Names<PromoteOptions<unknown>> = {
  script: true,
  args: true,
  nodeOptions: true,
  environment: true,
  upstream: true,
  retries: true,
  retryDelayMs: true,
  retryMaxDelayMs: true,
  pool: true,
  priority: true,
  timeoutMs: true,
  deferLimitMs: true,
  requires: true,
}

const dagOptions: Names<DagOptions<ParamsSchema>> = {
  about: true,
  maxActiveRuns: true,
  pools: true,
  stages: true,
  schedule: true,
  rerun: true,
  params: true,
  runPrefix: true,
}

const rerunOptions: Names<Rerun> = { times: true, delayMs: true }

const scheduleOptions: Names<ScheduleOptions> = { cron: true, timeZone: true, catchUp: true, catchUpMs: true }

/** @throws PipelineError (exit 2) with the nearest name */
export function refuseUnknownTaskOptions(dag: string, id: string, options: object): void {
  refuseUnknown(`task ${id} of dag ${dag}`, options, taskOptions)
}

/** @throws PipelineError (exit 2) with the nearest name */
export function refuseUnknownDagOptions(dag: string, options: { readonly schedule?: unknown; readonly rerun?: object }): void {
  refuseUnknown(`dag ${dag}`, options, dagOptions)
  const { schedule, rerun } = options
  if (rerun !== undefined) refuseUnknown(`rerun of dag ${dag}`, rerun, rerunOptions)
  if (typeof schedule === 'object' && schedule !== null) refuseUnknown(`the schedule of dag ${dag}`, schedule, scheduleOptions)
}

function refuseUnknown(what: string, options: object, known: Readonly<Record<string, true>>): void {
  const names = Object.keys(known)
  const stranger = Object.keys(options).find((name) => !names.includes(name))
  if (stranger === undefined) return
  const hint = suggest(stranger, names)
  throw new PipelineError(`${what}: there is no option ${JSON.stringify(stranger)}`, {
    exitCode: exitCodes.usage,
    retryable: false,
    ...(hint === undefined ? {} : { hint }),
  })
}

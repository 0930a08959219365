/** A command in the foreground whose run is deferred: it waits without a scheduler, and continues the run when its time has come. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import { outcomeOf, retryRun, type RunOutcome, type RunSettings } from '../scheduler/loop.ts'
import { readStore } from './runs.ts'

/** Another command may wake the run or continue it. */
const lookEveryMs = 1_000

interface WaitSettings extends Omit<RunSettings, 'config'> {
  readonly config: Config
  readonly log: (line: string) => void
  readonly signal: AbortSignal
}

/** @returns the outcome of the run once it has ended; as it is now when the signal came while it waited */
export async function untilEnded(first: RunOutcome, settings: WaitSettings): Promise<RunOutcome> {
  const { config, signal, log } = settings
  let [outcome, told] = [first, '']
  while (outcome.state === 'running' && !signal.aborted) {
    const { runId, deferral } = outcome
    const line =
      deferral === null ? '' : `run ${runId} waits: ${deferral.reason}; it looks again at ${deferral.until.toISOString()}`
    if (line !== '' && line !== told) log(`${line}; Ctrl-C leaves it waiting`)
    told = line
    if (deferral !== null && deferral.until <= new Date()) outcome = (await continued(runId, settings)) ?? outcome
    else await sleep(lookEveryMs, undefined, { signal }).catch(() => {})
    if (outcome.state === 'running') outcome = seen(config, runId)
  }
  return outcome
}

/** @returns null while another scheduler works here: it may be the one that continues the run */
async function continued(runId: string, settings: WaitSettings): Promise<RunOutcome | null> {
  try {
    return await retryRun(runId, { ...settings, isAutomatic: true })
  } catch (error) {
    if (!(error instanceof PipelineError) || error.exitCode !== exitCodes.locked) throw error
    await sleep(lookEveryMs, undefined, { signal: settings.signal }).catch(() => {})
    return null
  }
}

function seen(config: Config, runId: string): RunOutcome {
  using store = readStore(config)
  return outcomeOf(store, runId)
}

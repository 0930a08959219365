/** Shows a run of another process while it goes on, from the state and the result files alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { deferralOf } from '../scheduler/deferral.ts'
import { schedulerHolder } from '../scheduler/lease.ts'
import { ResultFile } from '../scheduler/result-file.ts'
import type { Store } from '../scheduler/store.ts'
import { type LiveDisplay, liveDisplay } from './live.ts'

const lookEveryMs = 250

/** Until the run has ended, or nobody runs it any more, which is said on stderr. */
export async function watchRun(config: Config, store: Store, runId: string, quiet: boolean): Promise<void> {
  const display = liveDisplay(config, { quiet, lines: false })
  const results = new Map<string, ResultFile>()
  try {
    // The last event is shown again, so that a display knows its run from the start.
    for (let seen = (store.events(runId).at(-1)?.id ?? 1) - 1; ; await sleep(lookEveryMs)) {
      const isOver = store.run(runId).state !== 'running'
      for (const event of store.events(runId, seen)) {
        seen = event.id
        display.onEvent({ kind: 'transition', event })
      }
      showProgress(store, runId, results, display)
      if (isOver) return
      if (schedulerHolder(store)?.isAlive === true || deferralOf(store.tasks(runId)) !== null) continue
      display.say(`run ${runId} is interrupted, its scheduler was killed: \`dag retry ${runId}\` resumes it`)
      return
    }
  } finally {
    display.end()
  }
}

function showProgress(store: Store, runId: string, results: Map<string, ResultFile>, display: LiveDisplay): void {
  for (const { state, resultFile, attempt, taskId } of store.tries(runId)) {
    if (state !== 'running') continue
    const file = results.get(resultFile) ?? new ResultFile(resultFile)
    results.set(resultFile, file)
    const { progress } = file.read()
    if (progress !== null) display.onEvent({ kind: 'progress', runId, attempt, taskId, progress })
  }
}

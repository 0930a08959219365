/** A task's view of the world for tests that call the task as a function, and what it said. */
import { defaultRetries, type DownloadSettings } from '../../src/settings/download.ts'
import { PipelineError } from '../../src/errors.ts'
import type { CheckResult, TaskContext } from '../../src/scheduler/context.ts'

/** Settings of a download without any variable set. */
export const standardDownload: DownloadSettings = {
  baseUrl: 'https://data.discogs.com/',
  contact: null,
  authorization: null,
  userAgent: null,
  headers: {},
  retries: defaultRetries,
  maxBytesPerSecond: null,
  proxy: { http: null, https: null, except: null },
}

export interface Heard {
  readonly logs: string[]
  readonly steps: string[]
  readonly checks: CheckResult[]
}

/** @param given at least the lake; everything else has a default */
export function taskContext(
  given: Partial<TaskContext> & Pick<TaskContext, 'lakeDir' | 'runId'>,
): TaskContext & { readonly heard: Heard } {
  const heard: Heard = { logs: [], steps: [], checks: [] }
  return {
    dagId: 'main',
    taskId: 'task',
    session: '2026-04-20 06:00:00',
    attempt: 1,
    tryNumber: 1,
    deferredSince: null,
    args: [],
    params: {},
    secretParams: [],
    rawDir: '/nowhere',
    settings: { sqlEngine: 'duckdb', trinoUrl: null, trino: null, download: standardDownload },
    signal: new AbortController().signal,
    now: () => new Date('2026-04-21T07:08:09Z'),
    log: (line) => void heard.logs.push(line),
    progress: ({ done, total, message }) => void heard.steps.push(`${done}/${total} ${message ?? ''}`.trim()),
    recordChecks: (checks) => void heard.checks.push(...checks),
    reached: () => {},
    ledger: () => {
      throw new PipelineError('this test has no ledger')
    },
    runBook: () => {
      throw new PipelineError('this test has no run book')
    },
    ...given,
    heard,
  }
}

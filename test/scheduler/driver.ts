/** A scheduler in a process of its own, to be killed: triggers the dag `lab` below in `argv[2]`, or retries it when `argv[3]` is `retry`. */
import { messageOf, PipelineError } from '../../src/errors.ts'
import { loadConfig } from '../../src/config.ts'
import { retryRun, triggerRun } from '../../src/scheduler/loop.ts'
import { runId, scriptsDir, session } from './harness.ts'
import { dagNamed } from './driver-dags.ts'

const [dir = '', verb, dag] = process.argv.slice(2)
const config = {
  ...loadConfig({ environment: { DAG_STATE: `${dir}/state`, DISCOGS_DATA_LAKE: `${dir}/lake`, DISCOGS_RAW: `${dir}/raw` } }),
  parallelism: 4,
}
const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new PipelineError('interrupted by SIGINT')))
const leaseTimes = { heartbeatEveryMs: 50, silentAfterMs: 300, watchedForMs: 500 }
const settings = { config, scriptsDir, signal: stop.signal, leaseTimes }

try {
  const outcome =
    verb === 'retry'
      ? await retryRun(runId, settings)
      : await triggerRun({ ...settings, dag: dagNamed(dag), session, params: {} })
  process.stdout.write(JSON.stringify({ state: outcome.state, reason: outcome.reason, attempt: outcome.attempt }))
} catch (error) {
  process.stdout.write(messageOf(error))
  process.exitCode = error instanceof PipelineError ? error.exitCode : 70
}

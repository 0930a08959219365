import { dumps } from '../src/discogs/catalogue.ts'
import { checkGroups } from '../src/discogs/check-groups.ts'
import { defineDag } from '../src/scheduler/dag.ts'
import { params } from './params.ts'

const about = 'The monthly Discogs dump: XML in, checked Parquet snapshot out, pointer moved last.'
const schedule = '0 6 20 * *'
const runPrefix = ({ dump_month }: { readonly dump_month: string }) => dump_month

/**
 * Ingest has threads enough of its own. An arena of the C library for each, and large young heaps, would keep a quarter more memory; V8's
 * four helpers, woken for collections of a few megabytes, take 5 % more of two cores than one does, and libuv's four threads, between
 * which the one stream that is inflated would wander, 3 %.
 */
const ingestLimits = {
  nodeOptions: ['--max-semi-space-size=2', '--v8-pool-size=1'],
  environment: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' },
}

/** Of all runs together: two downloads at a time, and no more ingests than one month has, which keep every core busy. */
const pools = { download: 2, ingest: 4 }

/** A site that is down, a disk that is full: tried again when somebody may have mended it. */
const rerun = { times: 3, delayMs: 3 * 3_600_000 }

/** The monthly Discogs dump: XML in, checked Parquet snapshot out, pointer moved last. */
export default defineDag(
  'main',
  { about, schedule, params, runPrefix, pools, rerun, stages: true },
  ({ task, check, promote }) => {
    // It waits for the month; its param wait_days decides how long.
    const preflight = task('preflight', { deferLimitMs: 62 * 86_400_000 })
    // The largest dump first: it decides when all are done. Each is ingested as soon as it is there, whatever the others do.
    const downloads = dumps.toReversed().map(({ name }) => ({
      name,
      download: task(`download.${name}`, {
        script: 'download',
        args: [name],
        upstream: [preflight],
        retries: 5,
        pool: 'download',
      }),
    }))
    const ingest = downloads.map(({ name, download }) =>
      task(`ingest.${name}`, { script: 'ingest', args: [name], upstream: [download], pool: 'ingest', ...ingestLimits }),
    )
    const build = task('build', { upstream: ingest })
    const checks = checkGroups.map((group) => check(`check.${group}`, { script: 'check', args: [group], upstream: [build] }))
    const seal = task('seal', { upstream: checks })
    const promotion = promote('promote', { upstream: [seal], requires: { run_mode: 'prod', allow_promote: true } })
    task('report', { upstream: [promotion] })
  },
)

import { z } from 'zod'
import { defineDag } from '../src/scheduler/dag.ts'
import { wholeNumber } from '../src/scheduler/params.ts'

const about = 'Lists old snapshots, dumps, staging and logs every month, and removes them when told to.'

const flag = () => z.stringbool('expected true or false').default(false)

/** Harmless unless told otherwise: it removes nothing, and keeps every month. */
const params = () =>
  z.strictObject({
    remove: flag().describe('remove what may go; otherwise only list it'),
    keep: wholeNumber().default(3).describe('newest snapshots that stay in any case'),
    keep_published: wholeNumber().default(0).describe('months of published snapshots to keep; 0 keeps all'),
    measured: flag().describe('also remove unpublished snapshots that the history has measured'),
    raw_months: wholeNumber().default(0).describe('months of dumps to keep; 0 keeps all'),
    staging_days: wholeNumber().default(14).describe('days to keep staging of failed runs'),
    log_days: wholeNumber().default(90).describe('days to keep logs and result files of runs'),
  })

/** The day after main and history, so that a new month is published and measured before an old one goes. */
export default defineDag('gc', { about, schedule: '0 6 21 * *', params, runPrefix: () => 'gc' }, ({ task }) => {
  task('gc')
})

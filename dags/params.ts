/** Params of `main`. */
import { z } from 'zod'
import { percent, readBy, wholeNumber } from '../src/scheduler/params.ts'
import type { Session } from '../src/scheduler/session.ts'

/** The params that are the same for every session. Made once: a schema takes a millisecond, and a backfill asks for thousands. */
const fixed = {
  run_mode: readBy(z.enum(['dev', 'test', 'prod']).default('dev').describe('dev, test or prod; only prod may publish'), {
    scripts: ['promote'],
  }),
  allow_promote: readBy(
    z.stringbool('expected true or false').default(false).describe('publish when every check has passed; needs run_mode=prod'),
    { scripts: ['promote'] },
  ),
  allow_older: readBy(
    z
      .stringbool('expected true or false')
      .default(false)
      .describe('publish even if the published month is newer; otherwise promote is skipped'),
    { scripts: ['promote'] },
  ),
  do_download: readBy(
    z
      .stringbool('expected true or false')
      .default(false)
      .describe('fetch what is missing of the month from data.discogs.com first, and verify it'),
    { scripts: ['preflight', 'download'] },
  ),
  wait_days: readBy(
    wholeNumber()
      .refine((days) => days <= 60, 'expected at most 60')
      .default(14)
      .describe('with do_download: how many days to wait for a month that is not published yet'),
    { scripts: ['download'], isLimit: true },
  ),
  quarantine_cap: readBy(
    wholeNumber().default(0).describe('how many malformed records of a dump are put aside before its ingest fails'),
    { scripts: ['ingest', 'check'], isLimit: true },
  ),
  limit: readBy(wholeNumber().default(0).describe('take only the first N records of each dump, for a quick look; 0 takes all'), {
    scripts: ['ingest'],
  }),
  allow_partial: readBy(
    z
      .stringbool('expected true or false')
      .default(false)
      .describe('publish a run that holds part of its month; otherwise promote is skipped'),
    { scripts: ['promote'] },
  ),
  truncation_percent: readBy(
    percent().default(2).describe('rows or highest id so far below the previous snapshot stop the run'),
    { scripts: ['check'], isLimit: true },
  ),
  orphan_percent: readBy(percent().default(5).describe('a share of orphans above this stops the run'), {
    scripts: ['check'],
    isLimit: true,
  }),
  rollback_on_failure: readBy(
    z.stringbool('expected true or false').default(true).describe('put the pointer back when a report after publishing fails'),
    { scripts: ['report'] },
  ),
}

/** By month. */
const known = new Map<string, ReturnType<typeof schemaOf>>()

export function params({ month }: Session) {
  const schema = known.get(month) ?? schemaOf(month)
  known.set(month, schema)
  return schema
}

function schemaOf(month: string) {
  return z.strictObject({
    dump_month: z
      .string()
      .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'expected a month, YYYY-MM')
      .default(month)
      .describe('month of the dumps, YYYY-MM; default: the month of the session'),
    ...fixed,
  })
}

/** The instant a run is for: UTC, whole seconds, never the clock on the wall. */
import { exitCodes, PipelineError } from '../errors.ts'

export interface Session {
  /** `YYYY-MM-DD HH:MM:SS` */
  readonly text: string
  /** `YYYY-MM` */
  readonly month: string
  /** `YYYYMMDD_HHmmss`, as it stands in run ids. */
  readonly stamp: string
  readonly instant: Date
}

const pattern = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.0{1,6})?Z?)?$/

/**
 * Reads `YYYY-MM-DD HH:MM:SS`, the ISO form `YYYY-MM-DDTHH:MM:SSZ`, or a date alone (midnight).
 * @throws PipelineError (exit 2), also for days that no calendar has
 */
export function parseSession(text: string): Session {
  const match = pattern.exec(text.trim())
  if (match?.[1] !== undefined) {
    const written = `${match[1]} ${match[2] ?? '00:00:00'}`
    const instant = new Date(`${written.replace(' ', 'T')}Z`)
    // Date rolls 2026-02-30 over to March: only what reads back the same is a real instant.
    if (!Number.isNaN(instant.getTime()) && sessionOf(instant).text === written) return sessionOf(instant)
  }
  throw new PipelineError(`session ${JSON.stringify(text)} is not an instant`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: 'write it in UTC as "2026-01-20 20:55:49", or as a date alone: 2026-01-20',
  })
}

/** The session of an instant; what is finer than a second is dropped. */
export function sessionOf(instant: Date): Session {
  const text = instant.toISOString().slice(0, 19).replace('T', ' ')
  return {
    text,
    month: text.slice(0, 7),
    stamp: text.replaceAll(/[-:]/g, '').replace(' ', '_'),
    instant: new Date(`${text.replace(' ', 'T')}Z`),
  }
}

/** `YYYY-MM-DD HH:MM:SS` of an instant, UTC. */
export function formatSession(instant: Date): string {
  return sessionOf(instant).text
}

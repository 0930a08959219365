/** Waits for a month that the site has not published yet. */
import { NotPublishedError, TransferFailure } from '../../download/failure.ts'
import { askForMonth, monthDirectory } from '../../download/month.ts'
import { type DumpName, dumpNames } from '../../download/names.ts'
import { defaultPatience } from '../../download/patience.ts'
import { type PlannedFile, planMonth } from '../../download/plan.ts'
import { Site } from '../../download/site.ts'
import { NotYetError, PipelineError } from '../../errors.ts'
import type { TaskContext } from '../../scheduler/context.ts'

/** A few times a day: months appear at any hour, and nobody needs one within minutes. */
const lookAgainMs = 6 * 3_600_000
/** While the site cannot be asked. */
const outageMs = 30 * 60_000
/** A task that waits holds no process: it gives up soon, and comes back. */
const askForMs = 60_000
const dayMs = 86_400_000

/**
 * Asks the site whether all dumps that the run needs are published.
 * @param wanted default: all four
 * @returns these, as they are published
 * @throws NotYetError while they are not, for the `wait_days` of the run since the first look; then the reason itself
 */
export async function awaitMonth(context: TaskContext, wanted: readonly DumpName[] = dumpNames): Promise<readonly PlannedFile[]> {
  const { rawDir, signal, settings } = context
  const month = context.params['dump_month'] ?? ''
  using site = new Site(settings.download, { ...defaultPatience, ...settings.download.retries, outageMs: askForMs })
  try {
    const manifest = await askForMonth(site, month, { rawDir, signal, say: (line) => context.log(line) })
    return planMonth(monthDirectory(rawDir, month), manifest, wanted)
  } catch (error) {
    signal.throwIfAborted()
    throw notYet(error, context) ?? error
  }
}

/** @returns null when waiting is of no use, or has lasted long enough */
function notYet(error: unknown, context: TaskContext): PipelineError | null {
  const pauseMs = pauseAfter(error)
  if (pauseMs === null || !(error instanceof PipelineError)) return null
  const now = context.now().getTime()
  const days = Number(context.params['wait_days'] ?? 0)
  const since = Math.min(context.deferredSince?.getTime() ?? now, now)
  const end = since + days * dayMs
  if (days > 0 && now < end) return new NotYetError(error.message, new Date(Math.min(now + pauseMs, end)))
  if (days === 0) return null
  return new PipelineError(`${error.message}; waited for ${days} days`, { cause: error, retryable: false, ...hintOf(error) })
}

function pauseAfter(error: unknown): number | null {
  if (error instanceof NotPublishedError) return error.isPast ? null : lookAgainMs
  if (error instanceof TransferFailure && error.isOutage) return Math.max(outageMs, error.retryAfterMs ?? 0)
  return null
}

function hintOf({ hint }: PipelineError): { readonly hint?: string } {
  return hint === undefined ? {} : { hint }
}

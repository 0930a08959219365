/** Which snapshots stay, and why; and which may go. */
import { withoutGenerated } from './generated.ts'
import { runDir } from './layout.ts'
import { activeRunId, prevLinks } from './pointer.ts'
import { rollbackTargets } from './promotion.ts'
import type { Candidate, Keep, Kept } from './retention.ts'
import { type SealedRun, sealedRuns } from './sealed-runs.ts'

/** Every snapshot of the lake: it is kept for a reason, or it may go for one. */
export interface SnapshotVerdicts {
  readonly kept: readonly Kept[]
  readonly candidates: readonly Candidate[]
}

export function judgeSnapshots(lakeDir: string, keep: Keep): SnapshotVerdicts {
  const { runs, unreadable } = sealedRuns(lakeDir)
  const sealed = runs.toSorted((left, right) => (sortKey(left) < sortKey(right) ? 1 : -1))
  const scene = sceneOf(lakeDir, sealed, keep)
  const verdicts = sealed.map((run) => judge(run, scene, keep))
  const broken = unreadable.map(
    ({ runId, reason }): Kept => ({
      kind: 'snapshot',
      name: runId,
      reason: `its manifest cannot be read: ${reason}`,
      option: null,
    }),
  )
  return {
    kept: [...verdicts.filter((one) => 'option' in one), ...broken],
    candidates: verdicts.filter((one) => 'newer' in one),
  }
}

/** Why a snapshot must stay whatever the options say; null when it need not. Cheap: asked under the locks. */
export function mandatoryReason(lakeDir: string, runId: string, { book }: Keep): string | null {
  if (activeRunId(lakeDir) === runId) return 'it is active'
  if (book.runState(runId)?.isRunning === true) return 'its run is under way'
  return rollbackTargets(lakeDir, book).has(runId) ? '`dag rollback` returns to it' : null
}

/** Why the history still needs a snapshot; null when it does not. */
export function historyReason(runId: string, isPublished: boolean, keep: Keep): Pick<Kept, 'reason' | 'option'> | null {
  const { history, measured } = keep
  const isRegistered = history.registered.has(runId)
  if (history.measured.has(runId)) {
    return isPublished || measured ? null : { reason: 'the history has registered it', option: '--measured' }
  }
  // The history measures published months only once it is used; unpublished ones are its business when it has registered them.
  const isWanted = isRegistered || (isPublished && history.registered.size > 0)
  return isWanted ? { reason: 'the history has not measured it yet', option: 'dag trigger history' } : null
}

interface Scene {
  readonly lakeDir: string
  readonly newest: readonly string[]
  /** Runs that an `active__prev_…` link names. */
  readonly linked: ReadonlySet<string>
  /** Of each kept month the run that counts; null without a limit. */
  readonly publishedToKeep: ReadonlyMap<string, string> | null
}

function sceneOf(lakeDir: string, sealed: readonly SealedRun[], keep: Keep): Scene {
  const linked = new Set(prevLinks(lakeDir).map(({ runId }) => runId))
  const active = activeRunId(lakeDir)
  const published = sealed.filter(({ runId }) => runId === active || linked.has(runId) || keep.book.wasPublished(runId))
  return {
    lakeDir,
    newest: sealed.slice(0, keep.newest).map(({ runId }) => runId),
    linked,
    publishedToKeep: keep.published === null ? null : newestMonths(published, keep.published, keep),
  }
}

/** The run that counts of each of the newest months: the newest one that no rollback has discarded, else the newest. */
function newestMonths(published: readonly SealedRun[], count: number, { book }: Keep): ReadonlyMap<string, string> {
  const byMonth = Map.groupBy(withoutGenerated(published), monthOf)
  const months = [...byMonth.keys()].toSorted().toReversed().slice(0, count)
  return new Map(
    months.flatMap((month) => {
      const runs = byMonth.get(month) ?? []
      const best = runs.find(({ runId }) => !book.isRolledBack(runId)) ?? runs[0]
      return best === undefined ? [] : [[month, best.runId] as const]
    }),
  )
}

function judge(run: SealedRun, scene: Scene, keep: Keep): Kept | Candidate {
  const { runId } = run
  const stays = (reason: string, option: string | null): Kept => ({ kind: 'snapshot', name: runId, reason, option })
  const mandatory = mandatoryReason(scene.lakeDir, runId, keep)
  if (mandatory !== null) return stays(mandatory, null)
  if (scene.newest.includes(runId)) return stays(`one of the newest ${keep.newest} snapshots`, '--keep')
  const isLinked = scene.linked.has(runId)
  const isPublished = isLinked || (scene.publishedToKeep !== null && keep.book.wasPublished(runId))
  if (isLinked && scene.publishedToKeep === null) return stays('it was published', '--keep-published')
  if (isPublished && scene.publishedToKeep?.get(monthOf(run)) === runId)
    return stays(`the published run of ${monthOf(run)}`, '--keep-published')
  const needed = historyReason(runId, isPublished, keep)
  if (needed !== null) return stays(needed.reason, needed.option)
  return candidateOf(run, isPublished, scene, keep)
}

function candidateOf(run: SealedRun, isPublished: boolean, scene: Scene, keep: Keep): Candidate {
  const counted = scene.publishedToKeep
  const base = { kind: 'snapshot', name: run.runId, path: runDir(scene.lakeDir, run.runId), isPublished } as const
  if (!isPublished || counted === null)
    return { ...base, reason: `not referenced, not among the newest ${keep.newest}`, newer: scene.newest }
  const successor = counted.get(monthOf(run))
  const reason =
    successor === undefined
      ? `published, not of the newest ${keep.published ?? 0} months`
      : `published, superseded by ${successor} of the same month`
  return { ...base, reason, newer: [...counted.values(), ...scene.newest] }
}

function monthOf({ dumpMonth, session }: SealedRun): string {
  return dumpMonth ?? session.slice(0, 7)
}

function sortKey({ session, runId }: SealedRun): string {
  return `${session} ${runId}`
}

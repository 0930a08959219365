/**
 * Runs dags by their schedules: sleeps until a slot, writes it down, starts `dag trigger` for it. Everything that matters is in the state,
 * so this process may die at any instant. Dags are read and run in processes of their own: an edited file counts from the next run on,
 * a broken one stops nobody else.
 */
import { hostname } from 'node:os'
import { exitCodes, messageOf } from '../errors.ts'
import { lifeOf } from '../process-identity.ts'
import { ScheduledDags, type ScheduledDagsOptions } from './daemon-dags.ts'
import { argumentsOf, type Job, type JobEnd, JobProcess } from './daemon-job.ts'
import { watchDags } from './dag-watch.ts'
import type { FailedRun } from './store/rerun-rows.ts'
import type { NoticeTable } from './store/notice-rows.ts'
import type { ScheduleTable } from './store/schedule-rows.ts'

export interface DaemonOptions extends ScheduledDagsOptions {
  /** Null: nobody wants to be told of anything. */
  readonly notices: NoticeTable | null
  /** Whether somebody reads metrics: a slot that was missed changes them, and no run writes them then. */
  readonly isMeasured: boolean
  /** Its files are the dags. */
  readonly dagsDir: string
  /** The command line `dag`, program first. */
  readonly dag: readonly string[]
  /** Told when everything has been read and the daemon waits. */
  readonly onReady: () => void
}

/** The clock may be set, and a laptop sleeps without its timers: the state is looked at again after so long. */
const lookEveryMs = 60_000
/** What cannot be read or written now (a full disk, a state that is locked for long) is tried again so much later. */
const troubledEveryMs = 3_000
/** While another process runs runs. */
const blockedEveryMs = 2_000
/** A slot whose dag cannot be run is tried again so much later, or as soon as a dag file changes; a resumption that was killed so much later. */
const brokenEveryMs = 600_000

export class Daemon {
  readonly #options: DaemonOptions
  readonly #dags: ScheduledDags
  readonly #process: JobProcess
  readonly #notBefore = new Map<string, number>()
  readonly #resume = new Set<string>()
  /** After a delivery that failed: one that cannot work must not keep the slots waiting. */
  #noNoticesBefore = 0
  /** After a resumption that was killed. How often that may be is counted in the state: see resumption.ts. */
  #noResumptionBefore = 0
  /** Since they were written last, slots were missed, or dags were read. */
  #areMetricsOld = false
  /** Told already, null when all is well. */
  #trouble: string | null = null
  #wake = Promise.withResolvers<void>()

  constructor(options: DaemonOptions) {
    this.#options = options
    this.#dags = new ScheduledDags(options)
    this.#process = new JobProcess(options.dag)
  }

  /** Until the signal is aborted; a run of its own is then stopped and waited for. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake.resolve())
    const { dagsDir, log } = this.#options
    const watcher = watchDags(dagsDir, { onChange: () => this.#dagsChanged(), log })
    try {
      await this.#readDags()
      this.#findInterrupted()
      this.#options.onReady()
      while (!signal.aborted) await this.#sleep(await this.#roundOrTrouble())
    } finally {
      watcher?.close()
      await this.#process.stop()
    }
  }

  #dagsChanged(): void {
    this.#dags.isStale = true
    this.#wake.resolve()
  }

  #findInterrupted(): void {
    for (const runId of this.#options.schedules.interrupted()) this.#resume.add(runId)
  }

  /** Whatever happens in a round, there is another one. @returns how long to wait for it */
  async #roundOrTrouble(): Promise<number> {
    try {
      const waitMs = await this.#round()
      this.#trouble = null
      return waitMs
    } catch (error) {
      this.#tellTrouble(error)
      return troubledEveryMs
    }
  }

  /** Once, as long as it stays the same. */
  #tellTrouble(error: unknown): void {
    const trouble = messageOf(error)
    if (trouble !== this.#trouble) this.#options.log(`trouble, tried again: ${trouble}`)
    this.#trouble = trouble
  }

  /** @returns for how long there is nothing to do */
  async #round(): Promise<number> {
    if (this.#dags.isStale) await this.#readDags()
    const { schedules, log } = this.#options
    // One for the whole round, and no later than any other: what comes due while it lasts is waited for, never taken for past.
    const now = this.#options.now().getTime()
    for (const { dagId } of schedules.all()) {
      const arrived = schedules.arrive(dagId)
      for (const { slot, state, reason } of arrived) log(`${dagId} ${slot} ${state}${reason === null ? '' : `: ${reason}`}`)
      // One that is due has a run, which writes them.
      if (arrived.some(({ state }) => state === 'missed')) this.#areMetricsOld = true
    }
    for (const { runId, until } of schedules.deferred()) if (until.getTime() <= now) this.#resume.add(runId)
    const job = this.#process.isBusy ? null : this.#nextJob(now)
    if (job !== null && job.kind !== 'notify' && isLed(schedules, now)) return blockedEveryMs
    if (job !== null) this.#start(job).catch((error: unknown) => this.#tellTrouble(error))
    const times = [...schedules.all().map((one) => one.nextSlot.getTime()), ...this.#notBefore.values(), this.#noResumptionBefore]
    const noticeAt = this.#noticeAt()
    if (noticeAt !== null) times.push(noticeAt)
    times.push(...schedules.deferred().map(({ until }) => until.getTime()))
    times.push(...this.#failedRuns().map(({ at }) => at.getTime()))
    return Math.min(lookEveryMs, ...times.filter((time) => time > now).map((time) => time - now))
  }

  #nextJob(now: number): Job | null {
    const { schedules } = this.#options
    const noticeAt = this.#noticeAt()
    if (noticeAt !== null && noticeAt <= now) return { kind: 'notify' }
    const runId = this.#resume.values().next().value
    if (runId !== undefined && this.#noResumptionBefore <= now) {
      // It may have come to its end meanwhile, in the hands of whoever ran it.
      const until = schedules.deferred().find((one) => one.runId === runId)?.until ?? null
      const isDue = until !== null && until.getTime() <= now
      if (isDue || schedules.interrupted().includes(runId)) return { kind: 'resume', runId, until }
      this.#resume.delete(runId)
      return this.#nextJob(now)
    }
    const due = schedules.due().find(({ dagId }) => (this.#notBefore.get(dagId) ?? 0) <= now)
    if (due !== undefined) return { kind: 'slot', due }
    const failed = this.#failedRuns().find(({ runId, at }) => Math.max(at.getTime(), this.#notBefore.get(runId) ?? 0) <= now)
    return failed === undefined ? null : { kind: 'rerun', failed }
  }

  #failedRuns(): readonly FailedRun[] {
    return this.#dags.reruns.flatMap(([dagId, rerun]) => this.#options.schedules.failed(dagId, rerun))
  }

  /** When somebody is to be told of something, null: of nothing. */
  #noticeAt(): number | null {
    const { notices, isMeasured } = this.#options
    const due = isMeasured && this.#areMetricsOld ? 0 : notices?.nextAt()?.getTime()
    return due === undefined ? null : Math.max(due, this.#noNoticesBefore)
  }

  async #start(job: Job): Promise<void> {
    if (job.kind === 'rerun')
      this.#options.log(`run ${job.failed.runId} failed for a reason that may have passed: trying it again`)
    const ended = this.#process.start(argumentsOf(job, job.kind === 'slot' ? this.#dags.paramsOf(job.due.dagId) : {}))
    if (job.kind === 'notify') this.#areMetricsOld = false
    const end = await ended
    try {
      this.#ended(job, end)
    } finally {
      this.#wake.resolve()
    }
  }

  /** The run itself is in the state by now, if there is one; here it only counts whether the slot still waits. */
  #ended(job: Job, { code, complaint }: JobEnd): void {
    const { schedules, log } = this.#options
    if (complaint !== '') log(complaint.trimEnd())
    if (job.kind === 'notify') {
      if (code === 0) return
      this.#areMetricsOld = true
      this.#noNoticesBefore = this.#options.now().getTime() + lookEveryMs
      return
    }
    if (job.kind === 'resume') {
      if (code === exitCodes.locked) return
      this.#resume.delete(job.runId)
      const isUnchanged = schedules
        .deferred()
        .some(({ runId, until }) => runId === job.runId && until.getTime() === job.until?.getTime())
      if (code === null || isUnchanged) this.#resumeLater()
      return
    }
    if (job.kind === 'rerun') return this.#rerunEnded(job.failed, code)
    if (code === null) this.#findInterrupted()
    const { dagId, slot } = job.due
    const isWaiting = schedules.due().some((one) => one.dagId === dagId && one.slot === slot)
    if (!isWaiting || code === exitCodes.locked) return
    const problem = complaint.split('\n')[0]?.replace(/^dag: /, '') ?? `exit code ${code}`
    // First: whether it can be written down or not, it is not started again at once.
    this.#notBefore.set(dagId, this.#options.now().getTime() + brokenEveryMs)
    if (code !== exitCodes.conflict) schedules.setProblem(dagId, problem)
    else {
      schedules.miss(job.due, problem)
      this.#notBefore.delete(dagId)
    }
  }

  /** One that could not even be started must not be started again and again. */
  #rerunEnded({ runId, attempt }: FailedRun, code: number | null): void {
    const isUnchanged = this.#failedRuns().some((one) => one.runId === runId && one.attempt === attempt)
    if (isUnchanged && code !== exitCodes.locked) this.#notBefore.set(runId, this.#options.now().getTime() + brokenEveryMs)
  }

  #resumeLater(): void {
    this.#noResumptionBefore = this.#options.now().getTime() + brokenEveryMs
    this.#findInterrupted()
  }

  async #readDags(): Promise<void> {
    this.#notBefore.clear()
    await this.#dags.read()
    this.#areMetricsOld = true
  }

  async #sleep(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake.resolve(), ms)
    await this.#wake.promise
    clearTimeout(timer)
    this.#wake = Promise.withResolvers()
  }
}

/** A leader on another machine, or in another PID namespace, is believed as long as its heartbeats are no older; `dag trigger` then watches it. */
const believedForMs = 30_000

/** Whether some process runs runs now. */
function isLed(schedules: ScheduleTable, now: number): boolean {
  const leader = schedules.leader()
  if (leader === null) return false
  const life = leader.host === hostname() ? lifeOf(leader.pid, leader.pid_started) : 'elsewhere'
  return life === 'elsewhere' ? Math.abs(now - Date.parse(leader.heartbeat_at)) <= believedForMs : life === 'alive'
}

/**
 * Runs dags by their schedules: sleeps until a slot, writes it down, starts `dag trigger` for it. Everything that matters is in the state,
 * so this process may die at any instant. Dags are read and run in processes of their own: an edited file counts from the next run on,
 * a broken one stops nobody else.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { exitCodes, messageOf } from '../errors.ts'
import { processStart } from '../process-identity.ts'
import { watchDags } from './dag-watch.ts'
import type { NoticeTable } from './store/notice-rows.ts'
import type { DueSlot, ScheduleTable } from './store/schedule-rows.ts'
import { nextSlot, type Timetable } from './timetable.ts'

/** A dag file as it is now. */
export interface DagReading {
  readonly dagId: string
  /** Null: only by hand, or it cannot be read. */
  readonly timetable: Timetable | null
  /** Names of its params. */
  readonly params: readonly string[]
  /** Why it cannot be read, null when it can. */
  readonly problem: string | null
}

export interface DaemonOptions {
  readonly schedules: ScheduleTable
  /** Null: nobody wants to be told of anything. */
  readonly notices: NoticeTable | null
  /** Whether somebody reads metrics: a slot that was missed changes them, and no run writes them then. */
  readonly isMeasured: boolean
  readonly now: () => Date
  /** Its files are the dags. */
  readonly dagsDir: string
  readonly readDags: () => Promise<readonly DagReading[]>
  /** The command line `dag`, program first. */
  readonly dag: readonly string[]
  /** Of scheduled runs, where the dag has such a param. */
  readonly params: Readonly<Record<string, string>>
  /** Told when everything has been read and the daemon waits. */
  readonly onReady: () => void
  readonly log: (line: string) => void
}

/** The clock may be set, and a laptop sleeps without its timers: the state is looked at again after so long. */
const lookEveryMs = 60_000
/** What cannot be read or written now (a full disk, a state that is locked for long) is tried again so much later. */
const troubledEveryMs = 3_000
/** While another process runs runs. */
const blockedEveryMs = 2_000
/** A slot whose dag cannot be run is tried again so much later, or as soon as a dag file changes; a resumption that was killed so much later. */
const brokenEveryMs = 600_000

type Job =
  | { readonly kind: 'slot'; readonly due: DueSlot }
  | { readonly kind: 'resume'; readonly runId: string }
  | { readonly kind: 'notify' }

export class Daemon {
  readonly #options: DaemonOptions
  readonly #notBefore = new Map<string, number>()
  readonly #resume = new Set<string>()
  #params = new Map<string, readonly string[]>()
  /** After a delivery that failed: one that cannot work must not keep the slots waiting. */
  #noNoticesBefore = 0
  /** After a resumption that was killed. How often that may be is counted in the state: see resumption.ts. */
  #noResumptionBefore = 0
  /** Since they were written last, slots were missed, or dags were read. */
  #areMetricsOld = false
  /** Told already, null when all is well. */
  #trouble: string | null = null
  #child: ChildProcess | null = null
  #wake = Promise.withResolvers<void>()
  #isStale = false

  constructor(options: DaemonOptions) {
    this.#options = options
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
      await this.#stopChild()
    }
  }

  #dagsChanged(): void {
    this.#isStale = true
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
    if (this.#isStale) await this.#readAgain()
    const { schedules, now, log } = this.#options
    for (const { dagId } of schedules.all()) {
      const arrived = schedules.arrive(dagId)
      for (const { slot, state, reason } of arrived) log(`${dagId} ${slot} ${state}${reason === null ? '' : `: ${reason}`}`)
      // One that is due has a run, which writes them.
      if (arrived.some(({ state }) => state === 'missed')) this.#areMetricsOld = true
    }
    const job = this.#child === null ? this.#nextJob() : null
    if (job !== null && job.kind !== 'notify' && isLed(schedules)) return blockedEveryMs
    if (job !== null) this.#start(job).catch((error: unknown) => this.#tellTrouble(error))
    const times = [...schedules.all().map((one) => one.nextSlot.getTime()), ...this.#notBefore.values(), this.#noResumptionBefore]
    const noticeAt = this.#noticeAt()
    if (noticeAt !== null) times.push(noticeAt)
    const coming = times.map((time) => time - now().getTime()).filter((ms) => ms > 0)
    return Math.min(lookEveryMs, ...coming)
  }

  #nextJob(): Job | null {
    const { schedules } = this.#options
    const now = this.#options.now().getTime()
    const noticeAt = this.#noticeAt()
    if (noticeAt !== null && noticeAt <= now) return { kind: 'notify' }
    const runId = this.#resume.values().next().value
    if (runId !== undefined && this.#noResumptionBefore <= now) {
      // It may have come to its end meanwhile, in the hands of whoever ran it.
      if (schedules.interrupted().includes(runId)) return { kind: 'resume', runId }
      this.#resume.delete(runId)
      return this.#nextJob()
    }
    const due = schedules.due().find(({ dagId }) => (this.#notBefore.get(dagId) ?? 0) <= now)
    return due === undefined ? null : { kind: 'slot', due }
  }

  /** When somebody is to be told of something, null: of nothing. */
  #noticeAt(): number | null {
    const { notices, isMeasured, now } = this.#options
    const due = isMeasured && this.#areMetricsOld ? now() : (notices?.nextAt() ?? null)
    return due === null ? null : Math.max(due.getTime(), this.#noNoticesBefore)
  }

  async #start(job: Job): Promise<void> {
    const [program = '', ...args] = [...this.#options.dag, ...this.#argumentsOf(job)]
    // A group of its own: Ctrl-C on a terminal is for the daemon, which hands it on once.
    const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'], detached: true })
    this.#child = child
    if (job.kind === 'notify') this.#areMetricsOld = false
    let complaint = ''
    child.once('error', (error) => {
      complaint = messageOf(error)
    })
    // There is none when no further file can be opened.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = `${complaint}${text}`.slice(-4000)
    })
    const [code] = await once(child, 'close').catch(() => [null])
    this.#child = null
    try {
      this.#ended(job, typeof code === 'number' ? code : null, complaint)
    } finally {
      this.#wake.resolve()
    }
  }

  #argumentsOf(job: Job): readonly string[] {
    if (job.kind === 'notify') return ['notify', '--json']
    if (job.kind === 'resume') return ['retry', job.runId, '--by-schedule']
    const { dagId, slot } = job.due
    const known = this.#params.get(dagId) ?? []
    const params = Object.entries(this.#options.params).filter(([name]) => known.includes(name))
    return [
      'trigger',
      dagId,
      '--session',
      slot,
      '--by-schedule',
      ...params.flatMap(([name, value]) => ['--param', `${name}=${value}`]),
    ]
  }

  /** The run itself is in the state by now, if there is one; here it only counts whether the slot still waits. */
  #ended(job: Job, code: number | null, complaint: string): void {
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
      if (code === null) this.#resumeLater()
      return
    }
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

  #resumeLater(): void {
    this.#noResumptionBefore = this.#options.now().getTime() + brokenEveryMs
    this.#findInterrupted()
  }

  async #readAgain(): Promise<void> {
    // First: what changes meanwhile is read once more.
    this.#isStale = false
    try {
      await this.#readDags()
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  async #readDags(): Promise<void> {
    this.#notBefore.clear()
    const { schedules, readDags } = this.#options
    const readings = await readDags()
    this.#params = new Map(readings.map(({ dagId, params }) => [dagId, params]))
    for (const reading of readings) this.#take(reading)
    const known = new Set(readings.map((one) => one.dagId))
    for (const { dagId } of schedules.all()) if (!known.has(dagId)) schedules.remove(dagId)
    this.#areMetricsOld = true
  }

  #take({ dagId, timetable, problem }: DagReading): void {
    const { schedules, now, log } = this.#options
    if (problem !== null) {
      // What was scheduled stays so: its slots wait until the file is mended.
      schedules.setProblem(dagId, problem)
      log(`dag ${dagId} cannot be read: ${problem}`)
      return
    }
    const next = timetable === null ? null : nextSlot(dagId, timetable, now())
    if (timetable === null || next === null) return schedules.remove(dagId)
    schedules.put(dagId, timetable, next)
    if (schedules.setProblem(dagId, null)) log(`dag ${dagId} is mended`)
  }

  async #sleep(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake.resolve(), ms)
    await this.#wake.promise
    clearTimeout(timer)
    this.#wake = Promise.withResolvers()
  }

  async #stopChild(): Promise<void> {
    const child = this.#child
    if (child === null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  }
}

/** Whether some process runs runs now. One on another machine is believed. */
function isLed(schedules: ScheduleTable): boolean {
  const leader = schedules.leader()
  return leader !== null && (leader.host !== hostname() || processStart(leader.pid) === leader.pid_started)
}

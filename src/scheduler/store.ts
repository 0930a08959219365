/** The scheduler's state. Column names are known in `store/` and nowhere else. */
import { resolve } from 'node:path'
import { connect } from './store/connection.ts'
import { LeaseTable } from './store/lease-rows.ts'
import { PromotionWriter } from './store/promotion-rows.ts'
import { Reader } from './store/reader.ts'
import { NoticeTable } from './store/notice-rows.ts'
import { RequestTable } from './store/request-rows.ts'
import { MarkWriter } from './store/mark-rows.ts'
import { ScheduleTable } from './store/schedule-rows.ts'
import { Writer } from './store/writer.ts'

export type {
  AttemptRecord,
  CheckRecord,
  EventRecord,
  LeaseRecord,
  PromotionRecord,
  RunRecord,
  TaskRecord,
  TryRecord,
} from './store/records.ts'
export { LeaseLostError } from './store/lease-rows.ts'
export type { NewAttempt, NewRun } from './store/attempt-rows.ts'
export type { AttemptKey, TaskChange, TaskKey, TryEnd, TryKey } from './store/writer.ts'
export type { Trigger } from './store/tables.ts'
export type { RunFilter } from './store/reader.ts'

/** Questions, and what changes the answers. Close it, or declare it with `using`. */
export class Store extends Reader implements Disposable {
  readonly stateDir: string
  readonly change: Writer
  readonly promoting: PromotionWriter
  readonly leases: LeaseTable
  readonly schedules: ScheduleTable
  readonly requests: RequestTable
  readonly notices: NoticeTable
  readonly marks: MarkWriter
  readonly now: () => Date
  readonly #close: () => void

  constructor(stateDir: string, { readonly, now }: Required<StoreOptions>) {
    const connection = connect(stateDir, { readonly, now })
    super(connection, stateDir)
    this.stateDir = stateDir
    this.now = now
    this.change = new Writer(connection)
    this.promoting = new PromotionWriter(connection)
    this.leases = new LeaseTable(connection)
    this.schedules = new ScheduleTable(connection)
    this.requests = new RequestTable(connection)
    this.notices = new NoticeTable(connection)
    this.marks = new MarkWriter(connection)
    this.#close = () => connection.close()
  }

  close(): void {
    this.#close()
  }

  [Symbol.dispose](): void {
    this.#close()
  }
}

export interface StoreOptions {
  /** For questions only; a state that does not exist yet answers as an empty one. Default false. */
  readonly readonly?: boolean
  /** The clock that transitions are stamped with. */
  readonly now?: () => Date
}

/** Opens the state in `stateDir`, creates it or brings it to the newest schema when needed. */
export function openStore(stateDir: string, { readonly = false, now = () => new Date() }: StoreOptions = {}): Store {
  return new Store(resolve(stateDir), { readonly, now })
}

/** Notices and their deliveries. The notices themselves are written by triggers of the schema, together with what they tell of. */
import type { Connection } from './connection.ts'
import type { Row } from './records.ts'
import type { Channel, NoticeKind } from './tables.ts'

/** What is told. No params: they may hold what must not leave the state. */
export interface Notice {
  readonly kind: NoticeKind
  readonly at: string
  readonly dag: string
  readonly session: string
  /** Null of a missed slot. */
  readonly run: string | null
  readonly attempt: number | null
  readonly reason: string | null
}

export interface Delivery {
  readonly noticeId: number
  readonly channel: Channel
  /** Counts from 1. */
  readonly tries: number
  readonly notice: Notice
}

export interface Wanted {
  readonly channels: readonly Channel[]
  readonly kinds: readonly string[]
}

/** What happened so long ago is no news: nobody is told who begins to listen now. */
const newsMs = 86_400_000
/** A delivery that was begun and not recorded, since its process died, is tried again so much later. */
const claimMs = 60_000

export class NoticeTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** When there is something to be done, 1970 for at once: no clock that was read before is behind that. Null when there is nothing. */
  nextAt(): Date | null {
    const unsettled = this.#connection.all('select 1 from notice where settled = 0 limit 1')
    if (unsettled.length > 0) return new Date(0)
    const [pending] = this.#connection.all<Pick<Row<'delivery'>, 'not_before'>>(
      "select not_before from delivery where state = 'pending' order by not_before limit 1",
    )
    return pending === undefined ? null : new Date(pending.not_before)
  }

  /** Decides for every new notice who is to be told. */
  settle({ channels, kinds }: Wanted): void {
    this.#connection.write(() => {
      const oldest = this.#connection.now().getTime() - newsMs
      const news = this.#connection.all<Row<'notice'>>('select * from notice where settled = 0 order by notice_id')
      for (const row of news) {
        const kind = this.#kindOf(row)
        const isWanted = kinds.includes(kind) || (kind === 'recovery' && kinds.includes('success'))
        if (isWanted && Date.parse(row.at) >= oldest) for (const channel of channels) this.#insert(row.notice_id, channel, kind)
        this.#connection.run('update notice set settled = 1 where notice_id = ?', row.notice_id)
      }
    })
  }

  /** The delivery that is due for longest, ours to try for a minute; null when none is due. */
  claim(): Delivery | null {
    return this.#connection.write(() => {
      const [row] = this.#connection.all<Row<'delivery'>>(
        "select * from delivery where state = 'pending' and not_before <= ? order by not_before limit 1",
        this.#connection.timestamp(),
      )
      if (row === undefined) return null
      const { notice_id: noticeId, channel, kind } = row
      const tries = row.tries + 1
      const until = new Date(this.#connection.now().getTime() + claimMs).toISOString()
      this.#connection.run(
        'update delivery set tries = @tries, not_before = @until where notice_id = @noticeId and channel = @channel',
        { noticeId, channel, tries, until },
      )
      return { noticeId, channel, tries, notice: this.#notice(noticeId, kind) }
    })
  }

  sent({ noticeId, channel }: Delivery): void {
    this.#connection.write(() => {
      this.#connection.run(
        "update delivery set state = 'sent', error = null, ended_at = @now where notice_id = @noticeId and channel = @channel",
        { noticeId, channel, now: this.#connection.timestamp() },
      )
    })
  }

  /** @param next when it is tried again, null: never */
  failed({ noticeId, channel }: Delivery, error: string, next: Date | null): void {
    const delivery = { noticeId, channel, error }
    this.#connection.write(() => {
      if (next === null) this.#giveUp(delivery)
      else
        this.#connection.run(
          'update delivery set error = @error, not_before = @next where notice_id = @noticeId and channel = @channel',
          { ...delivery, next: next.toISOString() },
        )
    })
  }

  /** Newest first. */
  deliveries(limit: number): readonly (Notice & Pick<Row<'delivery'>, 'channel' | 'state' | 'tries' | 'error'>)[] {
    const rows = this.#connection.all<Row<'delivery'>>('select * from delivery order by notice_id desc limit ?', limit)
    return rows.map(({ notice_id, kind, channel, state, tries, error }) => {
      return Object.assign({ channel, state, tries, error }, this.#notice(notice_id, kind))
    })
  }

  #notice(id: number, kind: NoticeKind): Notice {
    const [row] = this.#connection.all<Row<'notice'>>('select * from notice where notice_id = ?', id)
    const { at = '', dag_id = '', session = '', run_id = null, attempt = null, reason = null } = row ?? {}
    return { kind, at, dag: dag_id, session, run: run_id, attempt, reason }
  }

  /** A success is a recovery when what the dag did before it had failed. */
  #kindOf({ notice_id, dag_id, state }: Row<'notice'>): NoticeKind {
    if (state === 'failed') return 'failure'
    if (state !== 'success') return state
    const [ended] = this.#connection.all<Pick<Row<'notice'>, 'state'>>(
      `select state from notice where dag_id = ? and notice_id < ? and state in ('success', 'failed')
       order by notice_id desc limit 1`,
      dag_id,
      notice_id,
    )
    return ended?.state === 'failed' ? 'recovery' : 'success'
  }

  #insert(noticeId: number, channel: Channel, kind: NoticeKind): void {
    this.#connection.run(
      "insert into delivery (notice_id, channel, kind, state, not_before) values (?, ?, ?, 'pending', ?)",
      noticeId,
      channel,
      kind,
      this.#connection.timestamp(),
    )
  }

  #giveUp({ noticeId, channel, error }: Pick<Delivery, 'noticeId' | 'channel'> & { readonly error: string }): void {
    this.#connection.run(
      `update delivery set state = 'given_up', error = @error, ended_at = @now
       where notice_id = @noticeId and channel = @channel`,
      { noticeId, channel, error, now: this.#connection.timestamp() },
    )
  }
}

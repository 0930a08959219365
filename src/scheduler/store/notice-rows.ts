/** Notices and their deliveries. The notices themselves are written by triggers of the schema, together with what they tell of. */
import { build, type Connection } from './connection.ts'
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

  /** When there is something to be done, null when there is not. */
  nextAt(): Date | null {
    const unsettled = this.#connection.first(build.selectFrom('notice').select('notice_id').where('settled', '=', 0).limit(1))
    if (unsettled !== undefined) return this.#connection.now()
    const pending = build
      .selectFrom('delivery')
      .select('not_before')
      .where('state', '=', 'pending')
      .orderBy('not_before')
      .limit(1)
    const row = this.#connection.first(pending)
    return row === undefined ? null : new Date(row.not_before)
  }

  /** Decides for every new notice who is to be told. */
  settle({ channels, kinds }: Wanted): void {
    this.#connection.write(() => {
      const oldest = this.#connection.now().getTime() - newsMs
      for (const row of this.#connection.all(
        build.selectFrom('notice').selectAll().where('settled', '=', 0).orderBy('notice_id'),
      )) {
        const kind = this.#kindOf(row)
        const isWanted = kinds.includes(kind) || (kind === 'recovery' && kinds.includes('success'))
        if (isWanted && Date.parse(row.at) >= oldest) for (const channel of channels) this.#insert(row.notice_id, channel, kind)
        this.#connection.run(build.updateTable('notice').set({ settled: 1 }).where('notice_id', '=', row.notice_id))
      }
    })
  }

  /** The delivery that is due for longest, ours to try for a minute; null when none is due. */
  claim(): Delivery | null {
    return this.#connection.write(() => {
      const now = this.#connection.timestamp()
      const due = build.selectFrom('delivery').selectAll().where('state', '=', 'pending').where('not_before', '<=', now)
      const row = this.#connection.first(due.orderBy('not_before').limit(1))
      if (row === undefined) return null
      const until = new Date(this.#connection.now().getTime() + claimMs).toISOString()
      this.#update(row.notice_id, row.channel, { tries: row.tries + 1, not_before: until })
      return {
        noticeId: row.notice_id,
        channel: row.channel,
        tries: row.tries + 1,
        notice: this.#notice(row.notice_id, row.kind),
      }
    })
  }

  sent({ noticeId, channel }: Delivery): void {
    const ended_at = this.#connection.timestamp()
    this.#connection.write(() => this.#update(noticeId, channel, { state: 'sent', error: null, ended_at }))
  }

  /** @param next when it is tried again, null: never */
  failed({ noticeId, channel }: Delivery, error: string, next: Date | null): void {
    const ended_at = this.#connection.timestamp()
    const change = next === null ? ({ state: 'given_up', ended_at } as const) : { not_before: next.toISOString() }
    this.#connection.write(() => this.#update(noticeId, channel, { error, ...change }))
  }

  /** Newest first. */
  deliveries(limit: number): readonly (Notice & Pick<Row<'delivery'>, 'channel' | 'state' | 'tries' | 'error'>)[] {
    const query = build.selectFrom('delivery').selectAll().orderBy('notice_id', 'desc').limit(limit)
    return this.#connection.all(query).map(({ notice_id, kind, channel, state, tries, error }) => {
      return Object.assign({ channel, state, tries, error }, this.#notice(notice_id, kind))
    })
  }

  #notice(id: number, kind: NoticeKind): Notice {
    const row = this.#connection.first(build.selectFrom('notice').selectAll().where('notice_id', '=', id))
    const { at = '', dag_id = '', session = '', run_id = null, attempt = null, reason = null } = row ?? {}
    return { kind, at, dag: dag_id, session, run: run_id, attempt, reason }
  }

  /** A success is a recovery when what the dag did before it had failed. */
  #kindOf({ notice_id, dag_id, state }: Row<'notice'>): NoticeKind {
    if (state === 'failed') return 'failure'
    if (state !== 'success') return state
    const before = build.selectFrom('notice').select('state').where('dag_id', '=', dag_id).where('notice_id', '<', notice_id)
    const ended = this.#connection.first(before.where('state', 'in', ['success', 'failed']).orderBy('notice_id', 'desc').limit(1))
    return ended?.state === 'failed' ? 'recovery' : 'success'
  }

  #insert(notice_id: number, channel: Channel, kind: NoticeKind): void {
    const row = { notice_id, channel, kind, state: 'pending', not_before: this.#connection.timestamp() } as const
    this.#connection.run(build.insertInto('delivery').values(row))
  }

  #update(noticeId: number, channel: Channel, change: Partial<Row<'delivery'>>): void {
    this.#connection.run(
      build.updateTable('delivery').set(change).where('notice_id', '=', noticeId).where('channel', '=', channel),
    )
  }
}

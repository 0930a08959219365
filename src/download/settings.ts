/** What a download is told by its surroundings, and how patient it is. */

/** Where dumps come from and how politely they are asked for. */
export interface DownloadSettings {
  /** The site, ends with `/`. */
  readonly baseUrl: string
  /** Sent with every request, so that the site's operators can reach us; null when nobody gave one. */
  readonly contact: string | null
  /** All transfers together; null: as fast as it comes. */
  readonly maxBytesPerSecond: number | null
  readonly proxy: ProxySettings
}

/** As curl(1) reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY. May hold passwords: never logged. */
export interface ProxySettings {
  readonly http: string | null
  readonly https: string | null
  readonly except: string | null
}

/** Times and limits after which a request is given up or tried again. Tests shorten them. */
export interface Patience {
  readonly connectMs: number
  /** From the request to the last header. */
  readonly answerMs: number
  /** Without a single byte. */
  readonly idleMs: number
  /** A transfer that brings less than this for `paceMs`, waiting for the disk not counted, is cut and tried again. */
  readonly minBytesPerSecond: number
  readonly paceMs: number
  /** So often in a row a transfer may bring less than `progressBytes`. */
  readonly tries: number
  readonly progressBytes: number
  /** The first pause is about this long, each further one twice as long, up to the cap. */
  readonly pauseMs: number
  readonly pauseCapMs: number
  /** A server that asks for a longer pause (Retry-After) gets it, from whoever starts the download again. */
  readonly retryAfterCapMs: number
}

export const defaultPatience: Patience = {
  connectMs: 15_000,
  answerMs: 60_000,
  idleMs: 30_000,
  minBytesPerSecond: 5_000,
  paceMs: 30_000,
  tries: 6,
  progressBytes: 1 << 20,
  pauseMs: 1_000,
  pauseCapMs: 60_000,
  retryAfterCapMs: 600_000,
}

/** At most so many files at a time, in all processes that share a raw directory. */
export const maxTransfers = 2

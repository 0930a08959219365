/** Settings of downloads, read from texts, wherever these come from: the environment, `.env`, options of the command line. */

/** Where dumps come from and how politely they are asked for. */
export interface DownloadSettings {
  /** The site, ends with `/`. Never holds a user name or a password. */
  readonly baseUrl: string
  /** Value of the Authorization header, from a user name and password in the configured URL; never logged. */
  readonly authorization: string | null
  /** Replaces the default User-Agent; null: the default. */
  readonly userAgent: string | null
  /** Sent with every request besides the client's own. */
  readonly headers: Readonly<Record<string, string>>
  /** How long and how often a failing request is repeated. */
  readonly retries: RetrySettings
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

/** How a failing request is repeated. */
export interface RetrySettings {
  /** An outage (no connection, no answer, a busy site) ends the download once it has lasted this long. */
  readonly outageMs: number
  /** Answers in a row that bring the file no further before the download ends. */
  readonly tries: number
  /** The first pause is about this long, each further one twice as long, up to the cap. */
  readonly pauseMs: number
  readonly pauseCapMs: number
}

export const defaultRetries: RetrySettings = { outageMs: 3_600_000, tries: 6, pauseMs: 1_000, pauseCapMs: 60_000 }

/** Where texts come from, and where complaints go. */
export interface SettingTexts {
  /** The text of a variable, undefined when it is not set or empty. */
  readonly text: (name: string) => string | undefined
  readonly complain: (problem: string) => void
}

/** @returns settings with the default in place of every value that was complained about */
export function readDownloadSettings(source: SettingTexts): DownloadSettings {
  const kilobytes = wholeNumber(source, 'DISCOGS_RATE_LIMIT')
  return {
    ...sourceUrl(source),
    contact: plainLine(source, 'DISCOGS_CONTACT'),
    userAgent: plainLine(source, 'DISCOGS_USER_AGENT'),
    headers: parseHeaders(source.text('DISCOGS_HEADERS')?.split('\n') ?? [], (problem) =>
      source.complain(`DISCOGS_HEADERS: ${problem}`),
    ),
    maxBytesPerSecond: kilobytes === null ? null : kilobytes * 1000,
    retries: retries(source),
    proxy: proxies(source),
  }
}

/** A user name and a password in the URL become a header: the URL stands in messages, logs and manifests. */
function sourceUrl({ text, complain }: SettingTexts): Pick<DownloadSettings, 'baseUrl' | 'authorization'> {
  const given = text('DISCOGS_SOURCE_URL') ?? 'https://data.discogs.com/'
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    complain('DISCOGS_SOURCE_URL: an http or https URL is expected')
    return { baseUrl: 'https://data.discogs.com/', authorization: null }
  }
  const { url, authorization } = withoutCredentials(given)
  return { baseUrl: url.endsWith('/') ? url : `${url}/`, authorization }
}

/** @param text a URL; its user name and password are returned as the value of an Authorization header (RFC 7617) */
export function withoutCredentials(text: string): { readonly url: string; readonly authorization: string | null } {
  const url = new URL(text)
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  url.username = ''
  url.password = ''
  const authorization = user === '' && password === '' ? null : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return { url: url.href, authorization }
}

/** Goes into a header: one line of ASCII. */
function plainLine({ text, complain }: SettingTexts, name: string): string | null {
  const found = text(name) ?? null
  if (found === null || /^[ -~]{1,200}$/.test(found)) return found
  complain(`${name}: one line of plain ASCII is expected`)
  return null
}

/**
 * Headers by lower-case name, from lines `Name: value`. Values may be secrets: complaints do not repeat them.
 * @param lines empty ones are skipped
 */
export function parseHeaders(lines: readonly string[], complain: (problem: string) => void): Readonly<Record<string, string>> {
  const entries = lines.flatMap((line) => {
    if (line.trim() === '') return []
    const match = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~\t]*?)\s*$/.exec(line)
    if (match?.[1] !== undefined && match[2] !== undefined) return [[match[1].toLowerCase(), match[2]] as const]
    complain('each header is expected as "Name: value", in plain ASCII')
    return []
  })
  return Object.fromEntries(entries)
}

function retries(source: SettingTexts): RetrySettings {
  return {
    ...defaultRetries,
    outageMs: duration(source, 'DISCOGS_RETRY_FOR') ?? defaultRetries.outageMs,
    tries: wholeNumber(source, 'DISCOGS_TRIES') ?? defaultRetries.tries,
    pauseCapMs: duration(source, 'DISCOGS_MAX_PAUSE') ?? defaultRetries.pauseCapMs,
  }
}

function wholeNumber({ text, complain }: SettingTexts, name: string): number | null {
  const found = text(name)
  if (found === undefined) return null
  if (/^[1-9]\d{0,8}$/.test(found)) return Number(found)
  complain(`${name}=${found}: a whole number above 0 is expected`)
  return null
}

function duration({ text, complain }: SettingTexts, name: string): number | null {
  const found = text(name)
  if (found === undefined) return null
  const ms = parseDuration(found)
  if (ms === null) complain(`${name}=${found}: a duration such as 90s, 30m, 2h or 1d is expected`)
  return ms
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `30m`, `2h`, `1d`. @returns milliseconds, null for any other text */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text)
  const unit = unitsMs[match?.[2] ?? '']
  return match === null || unit === undefined ? null : Number(match[1]) * unit
}

function proxies(source: SettingTexts): ProxySettings {
  return { http: proxy(source, 'HTTP_PROXY'), https: proxy(source, 'HTTPS_PROXY'), except: either(source, 'NO_PROXY') }
}

/** The value may hold a password: it is not repeated. */
function proxy(source: SettingTexts, name: string): string | null {
  const text = either(source, name)
  if (text === null) return null
  const url = text.includes('://') ? text : `http://${text}`
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url
  source.complain(`${name}: an http or https URL is expected`)
  return null
}

/** Proxies are named in either case; the lower one wins, as with curl(1). */
function either({ text }: SettingTexts, name: string): string | null {
  return text(name.toLowerCase()) ?? text(name) ?? null
}

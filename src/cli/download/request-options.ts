/** Options of `dag download` that take precedence over the settings of requests. */
import { type Command, InvalidArgumentError } from 'commander'
import { type DownloadSettings, parseDuration, parseHeaders } from '../../settings/download.ts'
import { countOption } from '../commands/options.ts'

/** As given. */
export interface RequestOptions {
  readonly header?: Readonly<Record<string, string>>
  readonly userAgent?: string
  readonly retryFor?: number
  readonly tries?: number
  readonly maxPause?: number
}

export function addRequestOptions(command: Command): Command {
  return command
    .option('--header <"Name: value">', 'send this header with every request; may be repeated', headerOption)
    .option('--user-agent <text>', 'replace the User-Agent')
    .option('--retry-for <duration>', 'how long an outage may last before the download fails (default: 1h)', durationOption)
    .option('--tries <count>', 'useless answers in a row before the download fails (default: 6)', countOption)
    .option('--max-pause <duration>', 'longest pause between two tries (default: 60s)', durationOption)
}

/** The settings with what the options say in place of theirs. */
export function withRequestOptions(settings: DownloadSettings, options: RequestOptions): DownloadSettings {
  const { retries } = settings
  return {
    ...settings,
    userAgent: options.userAgent ?? settings.userAgent,
    headers: { ...settings.headers, ...options.header },
    retries: {
      ...retries,
      outageMs: options.retryFor ?? retries.outageMs,
      tries: options.tries ?? retries.tries,
      pauseCapMs: options.maxPause ?? retries.pauseCapMs,
    },
  }
}

function headerOption(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    ...before,
    ...parseHeaders([text], (problem) => {
      throw new InvalidArgumentError(problem)
    }),
  }
}

export function durationOption(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('a duration such as 90s, 30m, 2h or 1d is expected')
  return ms
}

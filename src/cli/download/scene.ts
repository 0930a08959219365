/** What the actions of `dag download` have in common. */
import type { Config } from '../../config.ts'
import type { DumpName } from '../../download/names.ts'
import { Site } from '../../download/site.ts'
import { size } from '../output.ts'
import type { TransferDisplay } from '../transfer-lines.ts'
import type { RequestOptions } from './request-options.ts'

/** As given. */
export interface Options extends RequestOptions {
  readonly month?: string
  readonly url?: string
  readonly sha256?: string
  readonly latest?: boolean
  readonly list?: boolean
  /** Milliseconds; true: the default. */
  readonly wait?: number | true
  readonly only?: readonly DumpName[]
  readonly dryRun?: boolean
  readonly verify?: boolean
  readonly json?: boolean
}

/** What an action works with. */
export interface Scene {
  readonly config: Config
  readonly options: Options
  readonly signal: AbortSignal
  readonly display: TransferDisplay
}

export function siteOf({ download }: Config): Site {
  return new Site(download)
}

/** A size as the site's pages say it; empty when they do not. */
export function about(bytes: number | null): string {
  return bytes === null ? '' : size(bytes)
}

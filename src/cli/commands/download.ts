import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { assertMonth, type DumpName, dumpNames } from '../../download/names.ts'
import { keepWasmSmall } from '../../download/small-wasm.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { addRequestOptions, durationOption, withRequestOptions } from '../download/request-options.ts'
import type { Options, Scene } from '../download/scene.ts'
import { interruptible } from '../interruption.ts'
import { transferDisplay } from '../transfer-lines.ts'
import { examples } from './options.ts'

/** `dag download` */
export function downloadCommand(): Command {
  const command = new Command('download')
    .description('Fetch a month from data.discogs.com, resumed and verified')
    .option('--month <YYYY-MM>', 'this month')
    .option('--latest', 'the newest month whose checksum file names all four dumps')
    .option('--url <url>', 'one dump from this URL, when the pages of the site cannot be read')
    .option('--sha256 <hex>', 'with --url: the hash of the file, when no checksum file lies beside it', sha256Option)
    .option('--list', 'show what the site has, all months or the files of one')
    .option('--only <dump>', `only this dump, may be repeated: ${dumpNames.join(', ')}`, dumpOption)
    .option('--wait [duration]', 'with --month: wait until it is published (default: 14d)', durationOption)
    .option('--dry-run', 'show what would be fetched; write nothing')
    .option('--verify', 'hash the files in DISCOGS_RAW again, of all months or one')
    .option('--json', 'print JSON')
  return addRequestOptions(command)
    .addHelpText(
      'after',
      `
Files go into DISCOGS_RAW. At most two are transferred at a time, in all processes together. A file gets its name once its sha256 is the
published one; until then it is <name>.part, which the next download resumes. _download.json beside the files records their origin.
DISCOGS_SOURCE_URL, DISCOGS_CONTACT, DISCOGS_RATE_LIMIT, HTTPS_PROXY and defaults for these options: see .env.example.
${examples(
  'dag download --list',
  'dag download --latest --dry-run',
  'dag download --month 2026-04',
  'dag download --month 2026-04 --only labels --only artists',
  'dag download --month 2026-04 --wait 3d',
  'dag download --month 2026-04 --retry-for 12h --header "Cookie: session=…"',
  'dag download --url https://example.org/mirror/discogs_20260401_labels.xml.gz',
  'dag download --verify --json',
)}`,
    )
    .action(async (options: Options) => {
      assertTogether(options)
      const config = loadConfig()
      using interruption = interruptible()
      const display = await transferDisplay(options.json ?? false)
      const download = withRequestOptions(config.download, options)
      const scene: Scene = { config: { ...config, download }, options, signal: interruption.signal, display }
      try {
        await interruption.of(act(scene))
      } finally {
        display.end()
      }
    })
}

function sha256Option(text: string): string {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase()
  throw usage(`--sha256 ${text}: 64 hexadecimal digits are expected`)
}

function dumpOption(text: string, before: readonly DumpName[] = []): readonly DumpName[] {
  const dump = dumpNames.find((name) => name === text)
  if (dump === undefined) throw usage(`--only ${text}: one of ${dumpNames.join(', ')} is expected`)
  return [...before, dump]
}

function assertTogether(options: Options): void {
  const { month, latest, list, verify, dryRun, only, wait, url, sha256 } = options
  if (url !== undefined) return assertUrl(url, options)
  if (sha256 !== undefined) throw usage('--sha256 goes with --url alone')
  if (month !== undefined) assertMonth(month)
  if (month !== undefined && latest === true) throw usage('--month and --latest exclude each other')
  if (wait !== undefined && (month === undefined || list === true || verify === true || dryRun === true))
    throw usage('--wait goes with --month')
  if (list === true && (verify === true || dryRun === true || only !== undefined))
    throw usage('--list goes with --month and --latest alone')
  if (verify === true && (dryRun === true || latest === true)) throw usage('--verify goes with --month and --only alone')
  if (month === undefined && latest !== true && list !== true && verify !== true)
    throw usage('which month? --month YYYY-MM, --latest or --url', '`dag download --list` shows the months that are there')
}

function assertUrl(url: string, { month, latest, list, verify, dryRun, only }: Options): void {
  if ([month, latest, list, verify, dryRun, only].some((other) => other !== undefined))
    throw usage('--url goes with --sha256 and --json alone')
  // The URL may hold a password: it is not repeated.
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw usage('--url: an http or https URL is expected')
}

function usage(message: string, hint?: string): PipelineError {
  const options = { exitCode: exitCodes.usage, retryable: false }
  return new PipelineError(message, hint === undefined ? options : { ...options, hint })
}

/** Loaded when it is needed: the HTTP client would slow the start of every other command. */
async function act(scene: Scene): Promise<void> {
  keepWasmSmall()
  const { verify: isVerify, list: isList, url } = scene.options
  if (url !== undefined) return (await import('../download/fetch-url.ts')).fetchUrl(scene)
  if (isVerify === true) return (await import('../download/verify.ts')).verify(scene)
  if (isList === true) return (await import('../download/list.ts')).list(scene)
  return (await import('../download/fetch.ts')).fetchMonth(scene)
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { assertMonth, type DumpName, dumpNames } from '../../download/names.ts'
import { keepWasmSmall } from '../../download/small-wasm.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import type { Options, Scene } from '../download/scene.ts'
import { interruptible } from '../interruption.ts'
import { transferDisplay } from '../transfer-lines.ts'
import { examples } from './options.ts'

/** `dag download` */
export function downloadCommand(): Command {
  return new Command('download')
    .description('fetches a month from data.discogs.com into DISCOGS_RAW, resumed and verified; what is there and verified stays')
    .option('--month <YYYY-MM>', 'this month')
    .option('--latest', 'the newest month whose checksum file names all four dumps')
    .option('--list', 'shows what the site has, all months or the files of one; fetches nothing')
    .option('--only <dump>', `only this dump, may be repeated: ${dumpNames.join(', ')}`, dumpOption)
    .option('--dry-run', 'shows what would be fetched; writes nothing')
    .option('--verify', 'hashes what lies in DISCOGS_RAW again, all months or one; asks nobody')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
At most two files at a time, in all processes together. A file gets its name when its sha256 is that of the month's checksum file; until
then it is <name>.part, with which the next download goes on. _download.json beside the files says where each came from.
DISCOGS_SOURCE_URL, DISCOGS_CONTACT, DISCOGS_RATE_LIMIT and HTTPS_PROXY: see .env.example.
${examples(
  'dag download --list',
  'dag download --latest --dry-run',
  'dag download --month 2026-04',
  'dag download --month 2026-04 --only labels --only artists',
  'dag download --verify --json',
)}`,
    )
    .action(async (options: Options) => {
      assertTogether(options)
      const config = loadConfig()
      using interruption = interruptible()
      const display = await transferDisplay(options.json ?? false)
      const scene: Scene = { config, options, signal: interruption.signal, display }
      try {
        await interruption.of(act(scene))
      } finally {
        display.end()
      }
    })
}

function dumpOption(text: string, before: readonly DumpName[] = []): readonly DumpName[] {
  const dump = dumpNames.find((name) => name === text)
  if (dump === undefined) throw usage(`--only ${text}: one of ${dumpNames.join(', ')} is expected`)
  return [...before, dump]
}

function assertTogether({ month, latest, list, verify, dryRun, only }: Options): void {
  if (month !== undefined) assertMonth(month)
  if (month !== undefined && latest === true) throw usage('--month and --latest exclude each other')
  if (list === true && (verify === true || dryRun === true || only !== undefined))
    throw usage('--list goes with --month and --latest alone')
  if (verify === true && (dryRun === true || latest === true)) throw usage('--verify goes with --month and --only alone')
  if (month === undefined && latest !== true && list !== true && verify !== true)
    throw usage('which month? --month YYYY-MM or --latest', '`dag download --list` shows the months that are there')
}

function usage(message: string, hint?: string): PipelineError {
  const options = { exitCode: exitCodes.usage, retryable: false }
  return new PipelineError(message, hint === undefined ? options : { ...options, hint })
}

/** Loaded when it is needed: the HTTP client would slow the start of every other command. */
async function act(scene: Scene): Promise<void> {
  keepWasmSmall()
  const { verify: isVerify, list: isList } = scene.options
  if (isVerify === true) return (await import('../download/verify.ts')).verify(scene)
  if (isList === true) return (await import('../download/list.ts')).list(scene)
  return (await import('../download/fetch.ts')).fetchMonth(scene)
}

/** `dag download --verify` */
import { dumpNames } from '../../download/names.ts'
import { type VerifiedOnDisk, monthsOnDisk, verifyMonth } from '../../download/verify-month.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { print, printJson, size, table } from '../output.ts'
import type { Scene } from './scene.ts'

/** Hashes what lies in the raw directory; exit 1 when something is not what it should be. */
export async function verify({ config, options, signal, display }: Scene): Promise<void> {
  const { rawDir } = config
  const months = options.month === undefined ? monthsOnDisk(rawDir) : [options.month]
  if (months.length === 0) throw new PipelineError(`${rawDir} holds no month`, { exitCode: exitCodes.notFound, retryable: false })
  const results: (VerifiedOnDisk & { readonly month: string })[] = []
  for (const month of months) {
    const files = await verifyMonth(month, { rawDir, signal, dumps: options.only ?? dumpNames, onProgress: display.onProgress })
    for (const file of files) results.push({ month, ...file })
  }
  display.end()
  const isSound = results.every(({ verdict }) => verdict === 'ok' || verdict === 'unknown')
  if (!isSound) process.exitCode = exitCodes.failed
  if (options.json === true) return printJson({ ok: isSound, files: results })
  const verdicts = {
    ok: 'ok',
    wrong: 'not what is published: `dag download` fetches it again',
    missing: 'missing',
    unknown: 'no checksum to compare with',
  }
  print(
    table(
      ['!file', '>size', 'verdict'],
      results.map(({ name, bytes, verdict }) => [name, size(bytes), verdicts[verdict]]),
    ),
  )
}

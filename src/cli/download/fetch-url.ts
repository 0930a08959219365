/** `dag download --url` */
import { downloadUrl } from '../../download/download-url.ts'
import { Site } from '../../download/site.ts'
import { withoutCredentials } from '../../settings/download.ts'
import { print, printJson, size, stateMark } from '../output.ts'
import type { Scene } from './scene.ts'

/** Brings one dump from the URL that was given. */
export async function fetchUrl({ config, options, signal, display }: Scene): Promise<void> {
  const { url, authorization } = withoutCredentials(options.url ?? '')
  const baseUrl = new URL('/', url).href
  const own = authorization ?? (baseUrl === new URL('/', config.download.baseUrl).href ? config.download.authorization : null)
  using site = new Site({ ...config.download, baseUrl, authorization: own })
  const { sha256 } = options
  const asking = { rawDir: config.rawDir, signal, say: display.say, onProgress: display.onProgress }
  const file = await downloadUrl(site, url, sha256 === undefined ? asking : { ...asking, sha256 })
  display.end()
  if (options.json === true) return printJson({ requests: site.requests, files: [file] })
  print(`${stateMark('success')} ${file.name}  ${size(file.bytes)}  fetched, verified`)
}

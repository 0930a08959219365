/** Downloads the month in a process of its own: base URL, raw directory, and one dump or all of them. */
import { downloadMonth } from '../../../src/download/download-month.ts'
import { Site } from '../../../src/download/site.ts'
import { dumps, month } from './dump-site.ts'
import { impatience, settingsFor } from './place.ts'

const [baseUrl = '', rawDir = '', only] = process.argv.slice(2)
using site = new Site(settingsFor(baseUrl), { ...impatience, answerMs: 5_000, idleMs: 5_000 })
const signal = new AbortController().signal
try {
  const wanted = dumps.filter((dump) => only === undefined || dump === only)
  const files = await downloadMonth(site, month, { rawDir, signal, dumps: wanted, say: (line) => console.error(line) })
  console.log(JSON.stringify(files.map(({ name, outcome, receivedBytes }) => ({ name, outcome, receivedBytes }))))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

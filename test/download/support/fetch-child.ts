/** Downloads the month in a process of its own: base URL, raw directory, and what of the patience is different. */
import { downloadMonth } from '../../../src/download/download-month.ts'
import { Site } from '../../../src/download/site.ts'
import { month } from './dump-site.ts'
import { impatience, settingsFor } from './place.ts'

const [baseUrl = '', rawDir = '', patience = '{}'] = process.argv.slice(2)
await using site = new Site(settingsFor(baseUrl), { ...impatience, answerMs: 5_000, idleMs: 5_000, ...JSON.parse(patience) })
const signal = new AbortController().signal
try {
  const files = await downloadMonth(site, month, { rawDir, signal, say: (line) => console.error(line) })
  console.log(JSON.stringify(files.map(({ name, outcome, receivedBytes }) => ({ name, outcome, receivedBytes }))))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

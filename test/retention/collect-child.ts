/** Collects garbage as a process of its own and dies at a step: `<lake> <raw> <state> <step>`. Keeps one month of everything. */
import { Collection } from '../../src/retention/collect.ts'
import { openRunBook } from '../../src/scheduler/run-book.ts'
import { oneMonth } from './months.ts'

const [lakeDir = '', rawDir = '', stateDir = '', step = ''] = process.argv.slice(2)

const reached = (name: string): void => {
  if (name === step) process.kill(process.pid, 'SIGKILL')
}
const scene = { lakeDir, rawDir, book: openRunBook(stateDir), now: new Date(), reached }
await (await Collection.find(scene, oneMonth)).remove()

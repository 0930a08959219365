import { join } from 'node:path'
import { dumpNamed } from '../discogs/catalogue.ts'
import { downloadMonth, type FileProgress } from '../download/download-month.ts'
import { assertMonth } from '../download/names.ts'
import { identityOf } from '../lake/input-file.ts'
import { Site } from '../download/site.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { findDumpFile, inputOf, monthDir } from './dump-file.ts'

/** The tasks of a run start together: the first of them asks the site, the others find its answer. */
const freshMs = 60_000

/** Makes sure that one dump of the month (`args[0]`) is at hand. `do_download` fetches it; without, what lies there is named. */
export async function download(context: TaskContext): Promise<TaskResult> {
  const { name: dump } = dumpNamed(context.args[0])
  const month = context.params['dump_month'] ?? ''
  const { rawDir, signal } = context
  if (context.params['do_download'] !== 'true') {
    const { name } = findDumpFile(rawDir, month, dump)
    return { note: `do_download is false: using ${name} of ${monthDir(rawDir, month)}` }
  }
  assertMonth(month)
  using site = new Site(context.settings.download)
  const progress = new TransferProgress(context)
  const onProgress = (one: FileProgress): void => progress.tell(one)
  const options = { rawDir, signal, say: (line: string) => context.log(line), freshMs, dumps: [dump], onProgress }
  const [file] = await downloadMonth(site, month, options)
  if (file === undefined) return {}
  context.log(`${file.name}: ${file.bytes} bytes, sha256 ${file.sha256}, ${file.outcome}, ${file.receivedBytes} bytes received`)
  const path = join(monthDir(rawDir, month), file.name)
  const inputs = [inputOf(rawDir, path, { ...identityOf(path), sha256: file.sha256 })]
  return file.outcome === 'fetched' ? { bytes: file.bytes, inputs } : { note: `${file.name} was there and is verified`, inputs }
}

/** Bytes, rate and time left for the scheduler. The rate is that of this transfer: what an earlier one has left does not count. */
class TransferProgress {
  readonly #context: TaskContext
  #phase: FileProgress['phase'] | null = null
  #startedMs = 0
  #startedBytes = 0

  constructor(context: TaskContext) {
    this.#context = context
  }

  tell({ phase, done, total }: FileProgress): void {
    const nowMs = this.#context.now().getTime()
    if (phase !== this.#phase) {
      this.#phase = phase
      this.#startedMs = nowMs
      this.#startedBytes = done
    }
    const perMs = (done - this.#startedBytes) / Math.max(1, nowMs - this.#startedMs)
    const message = {
      wait: 'waiting for other transfers',
      hash: 'reading what is there',
      fetch: `${(perMs / 1000).toFixed(1)} MB/s`,
    }
    this.#context.progress({
      done,
      total: total ?? 0,
      unit: 'bytes',
      message: message[phase],
      ...(total !== null && perMs > 0 ? { etaSeconds: Math.max(0, Math.round((total - done) / perMs / 1000)) } : {}),
    })
  }
}

if (import.meta.main) await runTask(download)

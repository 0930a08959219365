import { dumps } from '../discogs/catalogue.ts'
import { PipelineError } from '../errors.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { findDumpFile, monthDir } from './dump-file.ts'

/** Makes sure that the dumps of the month are at hand. Fetching them is switched on by `do_download`. */
export async function download(context: TaskContext): Promise<TaskResult> {
  await Promise.resolve()
  const month = context.params['dump_month'] ?? ''
  if (context.params['do_download'] === 'true') {
    throw new PipelineError(`download of ${month}: this version cannot fetch dumps`, {
      hint: `put the four files and their CHECKSUM file into ${monthDir(context.rawDir, month)} and run without do_download`,
      retryable: false,
    })
  }
  const files = dumps.map(({ name }) => findDumpFile(context.rawDir, month, name))
  return { note: `do_download is false: using ${files.map(({ name }) => name).join(', ')} of ${monthDir(context.rawDir, month)}` }
}

if (import.meta.main) await runTask(download)

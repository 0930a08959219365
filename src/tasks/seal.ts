import { join } from 'node:path'
import { readCodeVersion } from '../lake/code-version.ts'
import { type SealedRun, sealRun } from '../lake/seal.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'

const projectDir = join(import.meta.dirname, '../..')

/** Makes the run's staging directory an immutable snapshot, with its manifest. */
export async function seal(context: TaskContext): Promise<TaskResult> {
  const { lakeDir, runId, dagId, session, signal, secretParams } = context
  const params = Object.fromEntries(Object.entries(context.params).filter(([name]) => !secretParams.includes(name)))
  const parts = { dag: dagId, session, params, code: readCodeVersion(projectDir) }
  const sealed = await sealRun(lakeDir, runId, parts, {
    signal,
    onProgress: (done, total) => context.progress({ done, total, unit: 'bytes', message: 'sha256' }),
    reached: (step) => context.reached(step),
  })
  context.log(`${sealed.sealedNow ? 'sealed' : 'was sealed already:'} ${sealed.directory}`)
  return describe(sealed)
}

/** Its files were written by other tasks, which have reported their rows and bytes. */
function describe({ directory, manifest: { datasets }, sealedNow }: SealedRun): TaskResult {
  const bytes = datasets.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0)
  const rows = datasets.reduce((sum, dataset) => sum + dataset.rows, 0)
  const content = `${datasets.length} datasets, ${rows} rows, ${bytes} bytes`
  return { note: sealedNow ? `sealed ${content}` : `${directory} was sealed already and is unchanged: ${content}` }
}

if (import.meta.main) await runTask(seal)

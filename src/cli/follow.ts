/** Prints the log of a task while it is being written. */
import { existsSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isFinal } from '../scheduler/states.ts'
import type { Store, TryRecord } from '../scheduler/store.ts'

/** The state is looked at again after so long, even when nothing is written: a task that only waits must be seen to end. */
const lookEveryMs = 300

/** Prints what is there and what comes, try by try, until nothing more will happen to the task in this attempt. */
export async function followTask(store: Store, runId: string, taskId: string): Promise<void> {
  let latest = lastTry(store, runId, taskId)
  for (let printed = 0; ; ) {
    // Asked before reading: what a task wrote until its end is then printed.
    const isOver = isEnded(store, runId, taskId)
    if (latest !== undefined) printed = await printFrom(latest.logFile, printed)
    const next = lastTry(store, runId, taskId)
    if (next?.logFile !== latest?.logFile) {
      latest = next
      printed = 0
      continue
    }
    if (isOver) return
    await changed(latest)
  }
}

function lastTry(store: Store, runId: string, taskId: string): TryRecord | undefined {
  return store.tries(runId).findLast((one) => one.taskId === taskId)
}

function isEnded(store: Store, runId: string, taskId: string): boolean {
  const task = store.tasks(runId).find((one) => one.taskId === taskId)
  return task === undefined || isFinal(task.state)
}

/** @returns how many bytes have been printed by now */
async function printFrom(logFile: string, printed: number): Promise<number> {
  if (!existsSync(logFile)) return printed
  await using handle = await open(logFile)
  const { size } = await handle.stat()
  if (size <= printed) return printed
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - printed), 0, size - printed, printed)
  process.stdout.write(buffer.subarray(0, bytesRead))
  return printed + bytesRead
}

async function changed(latest: TryRecord | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const directory = latest === undefined ? null : dirname(latest.logFile)
  const watcher =
    directory !== null && existsSync(directory) ? watch(directory, () => resolve()).on('error', () => resolve()) : null
  const timer = setTimeout(resolve, lookEveryMs)
  await promise
  clearTimeout(timer)
  watcher?.close()
}

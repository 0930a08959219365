/** Prints the log of a task while it is being written. */
import { existsSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { lifeOf } from '../process-identity.ts'
import { isDeferred } from '../scheduler/deferral.ts'
import { schedulerHolder } from '../scheduler/lease.ts'
import { hasBeaten } from '../scheduler/pulse.ts'
import { isFinal } from '../scheduler/states.ts'
import type { Store, TryRecord } from '../scheduler/store.ts'

/** Takes pieces of the log as they come. */
export type Write = (piece: Buffer) => unknown

/** The state is looked at again after so long, even when nothing is written: a task that only waits must be seen to end. */
const lookEveryMs = 300
const pieceBytes = 1 << 20

/**
 * Prints the log of the latest try, what comes, and the tries that follow, until nothing more will happen to the task in this attempt.
 * @returns false when it has not ended: its scheduler is gone, and so is its process
 */
export async function followTask(store: Store, runId: string, taskId: string, write: Write): Promise<boolean> {
  let index = Math.max(0, triesOf(store, runId, taskId).length - 1)
  for (let printed = 0; ; ) {
    // Asked before reading: what a task wrote until its end is then printed.
    const isOver = isEnded(store, runId, taskId)
    const isLeft = !isOver && isLeftAlone(store, runId, taskId)
    const tries = triesOf(store, runId, taskId)
    const current = tries[index]
    if (current !== undefined) printed = await printFrom(current.logFile, printed, write)
    if (index < tries.length - 1) {
      index += 1
      printed = 0
    } else if (isOver || isLeft) return isOver || isEnded(store, runId, taskId)
    else await changed(current)
  }
}

function triesOf(store: Store, runId: string, taskId: string): readonly TryRecord[] {
  return store.tries(runId).filter((one) => one.taskId === taskId)
}

function isEnded(store: Store, runId: string, taskId: string): boolean {
  const task = store.tasks(runId).find((one) => one.taskId === taskId)
  return task === undefined || isFinal(task.state)
}

/** A process outlives its scheduler, and writes on. */
function isLeftAlone(store: Store, runId: string, taskId: string): boolean {
  if (schedulerHolder(store)?.isAlive === true || isDeferred(store.tasks(runId))) return false
  const running = triesOf(store, runId, taskId).find(({ state }) => state === 'running')
  if (running?.pid == null || running.pidStarted === null) return true
  const life = lifeOf(running.pid, running.pidStarted)
  return life === 'elsewhere' ? !hasBeaten(running.resultFile, store.now()) : life === 'gone'
}

/** @returns how many bytes have been printed by now */
async function printFrom(logFile: string, printed: number, write: Write): Promise<number> {
  if (!existsSync(logFile)) return printed
  await using handle = await open(logFile)
  const { size } = await handle.stat()
  let at = printed
  // Piece by piece: what a task has written at once may be larger than the memory.
  while (at < size) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size - at, pieceBytes)), 0, null, at)
    if (bytesRead === 0) break
    await write(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return at
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

import { type FSWatcher, watch } from 'node:fs'
import { messageOf } from '../errors.ts'

/** Editors write a file in several steps. */
const settleMs = 200

export interface DagWatch {
  /** A dag file has changed, come or gone. */
  readonly onChange: () => void
  readonly log: (line: string) => void
}

/** @returns null without watches, whose number is limited on Linux: everything else still works */
export function watchDags(dagsDir: string, { onChange, log }: DagWatch): FSWatcher | null {
  const onError = (error: unknown): void => log(`changed dags count from the next start on: ${messageOf(error)}`)
  let timer: NodeJS.Timeout | undefined
  try {
    const watcher = watch(dagsDir, () => {
      clearTimeout(timer)
      timer = setTimeout(onChange, settleMs)
    })
    return watcher.on('error', onError)
  } catch (error) {
    onError(error)
    return null
  }
}

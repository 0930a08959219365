import { type FSWatcher, mkdirSync, watch } from 'node:fs'

/** Tells which result files have grown. Only a display depends on it: what counts is read when a task has ended. */
export class LiveProgress {
  readonly #watcher: FSWatcher | null

  constructor(directory: string, onChange: (file: string) => void) {
    mkdirSync(directory, { recursive: true })
    this.#watcher = open(directory, onChange)
  }

  close(): void {
    this.#watcher?.close()
  }
}

/** Without watches (their number is limited on Linux) there is no live progress, and nothing else is missing. */
function open(directory: string, onChange: (file: string) => void): FSWatcher | null {
  try {
    const watcher = watch(directory, { persistent: false }, (_, file) => {
      if (file !== null) onChange(file)
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    return null
  }
}

import { readdirSync } from 'node:fs'
import { hasCode } from '../errors.ts'

/** What a directory holds, in no order; nothing when it is not there. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

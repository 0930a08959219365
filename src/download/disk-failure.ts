/** What goes wrong with files of the raw directory. */
import { messageOf, PipelineError } from '../errors.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full: the quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'a directory is in the way',
  ENOTEMPTY: 'a directory is in the way',
  ENOTDIR: 'a file is in the way of a directory',
  EEXIST: 'a file is in the way of a directory',
}

/**
 * A system error as one sentence that names the path.
 * @param path for errors that name none
 * @returns anything else as it is
 */
export function diskFailure(error: unknown, path: string): unknown {
  if (error instanceof PipelineError || !isSystemError(error)) return error
  const place = error.dest ?? error.path ?? path
  return new PipelineError(`${place}: ${reasons[error.code ?? ''] ?? messageOf(error)}`, {
    cause: error,
    retryable: false,
    hint: ['ENOSPC', 'EDQUOT'].includes(error.code ?? '')
      ? 'free some disk space, then run the same command again: what has arrived is kept'
      : 'DISCOGS_RAW must be a directory that you may write to; move away what does not belong there',
  })
}

/** As node:fs throws them. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly dest?: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

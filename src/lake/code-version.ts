/** Which code is running, read from files: no git needs to be installed, and no process is started. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { hasCode, PipelineError } from '../errors.ts'

export interface CodeVersion {
  /** Of package.json. */
  readonly version: string
  /** Commit that HEAD names, null outside a git working tree. Changes on top of it are not seen. */
  readonly commit: string | null
}

const packageFile = z.object({ version: z.string() })
const commitId = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/

/** @param projectDir where package.json and perhaps `.git` lie */
export function readCodeVersion(projectDir: string): CodeVersion {
  const file = join(projectDir, 'package.json')
  try {
    const { version } = packageFile.parse(JSON.parse(readFileSync(file, 'utf8')))
    return { version, commit: headCommit(projectDir) }
  } catch (cause) {
    throw new PipelineError(`reading the version of the code: ${file} has none`, { cause, retryable: false })
  }
}

/** gitrepository-layout(5): `.git` is a directory, or in a linked working tree a file that names one; HEAD is an id or `ref: <name>`. */
function headCommit(projectDir: string): string | null {
  const pointer = /^gitdir: (.+)$/m.exec(textOf(join(projectDir, '.git')) ?? '')?.[1]
  const gitDir = resolve(projectDir, pointer ?? '.git')
  const head = textOf(join(gitDir, 'HEAD'))?.trim() ?? ''
  if (commitId.test(head)) return head
  const ref = /^ref: (\S+)$/.exec(head)?.[1]
  return ref === undefined ? null : refCommit(gitDir, ref)
}

/** A branch is a file of its own, or a line of packed-refs; a linked working tree keeps both in the common directory. */
function refCommit(gitDir: string, ref: string): string | null {
  const common = resolve(gitDir, textOf(join(gitDir, 'commondir'))?.trim() ?? '.')
  const loose = textOf(join(common, ref))?.trim() ?? ''
  if (commitId.test(loose)) return loose
  const line = textOf(join(common, 'packed-refs'))
    ?.split('\n')
    .find((packed) => packed.endsWith(` ${ref}`))
  const packed = line?.split(' ')[0] ?? ''
  return commitId.test(packed) ? packed : null
}

/** Null when there is no such file. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].some((code) => hasCode(error, code))) return null
    throw error
  }
}

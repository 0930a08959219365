/** Which file system a directory lies on, by the operating system's list of mounts. */
import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'

export interface Mount {
  readonly directory: string
  /** As the system calls it: `ext4`, `nfs4`, `apfs`. */
  readonly type: string
}

/** The name of a directory's file system, null when the system does not tell. */
export function fileSystemOf(directory: string, mounts: readonly Mount[] = listMounts()): string | null {
  const path = realpathSync(directory)
  const above = mounts.filter((mount) => path === mount.directory || path.startsWith(mount.directory.replace(/\/?$/, '/')))
  // The longest one; of equals the last, which hides the others.
  const nearest = above.reduce<Mount | null>(
    (best, mount) => (best === null || mount.directory.length >= best.directory.length ? mount : best),
    null,
  )
  return nearest?.type ?? null
}

/** Shared with other machines or with the host of a virtual one: SQLite's write-ahead log needs memory that all readers share. */
export function isShared(type: string): boolean {
  return /^(nfs\d?|cifs|smb\w*|afpfs|9p|virtiofs|v9fs|fuse\.(sshfs|vmhgfs-fuse|grpcfuse|glusterfs)|vboxsf|prl_fs|fakeowner|osxfs|ceph|lustre)$/.test(
    type,
  )
}

/** Lines of `/proc/self/mountinfo`: proc_pid_mountinfo(5). */
export function parseMountInfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const [directory, type] = [left.split(' ')[4], right.split(' ')[0]]
    return directory && type ? [{ directory: unescaped(directory), type }] : []
  })
}

/** Lines of mount(8) on macOS: `//ada@nas/data on /Volumes/data (smbfs, nodev)`. */
export function parseMountCommand(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, directory, type] = /^.* on (.+) \((\w+)[,)]/.exec(line) ?? []
    return directory !== undefined && type !== undefined ? [{ directory, type }] : []
  })
}

/** Space, tab, line end and backslash are written in octal. */
function unescaped(directory: string): string {
  return directory.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

function listMounts(): readonly Mount[] {
  try {
    if (process.platform === 'linux') return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
    return parseMountCommand(execFileSync('mount', { encoding: 'utf8' }))
  } catch {
    // No list, no names; what the file systems can do is tried anyway.
    return []
  }
}

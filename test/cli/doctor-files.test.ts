/** What the doctor says of the file systems below lake and state. */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { examineFileSystems, examineState } from '../../src/cli/doctor/file-systems.ts'
import { Findings } from '../../src/cli/doctor/finding.ts'
import { fileSystemOf, isShared, parseMountCommand, parseMountInfo } from '../../src/cli/doctor/mounts.ts'
import { loadConfig } from '../../src/config.ts'
import { withFileSystem } from '../support/file-system.ts'
import { Place } from './support.ts'

const linux = parseMountInfo(
  `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / ${tmpdir()} rw - overlay overlay rw
24 22 0:40 / /mnt/My\\040Nas rw,relatime shared:2 master:1 - nfs4 nas:/data rw,vers=4.2
25 23 0:41 / ${tmpdir()} rw - tmpfs tmpfs rw
`,
)

test('a directory is on the file system of the nearest mount, and of two at one place on the later one', () => {
  assert.equal(fileSystemOf(tmpdir(), linux), 'tmpfs')
  assert.equal(fileSystemOf('/', linux), 'ext4')
  assert.equal(fileSystemOf('/usr', linux), 'ext4')
  assert.deepEqual(linux[2], { directory: '/mnt/My Nas', type: 'nfs4' })
  assert.equal(fileSystemOf('/', []), null)
})

test('the list of mounts of macOS is read as well', () => {
  const text = '/dev/disk3s1s1 on / (apfs, sealed, local)\n//ada@nas/my data on /Volumes/my data (smbfs, nodev, nosuid)\n'
  assert.deepEqual(parseMountCommand(text), [
    { directory: '/', type: 'apfs' },
    { directory: '/Volumes/my data', type: 'smbfs' },
  ])
})

test('a state on a shared file system is a warning that says what to do; a local one is named', () => {
  for (const type of ['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', '9p', 'virtiofs', 'fuse.sshfs']) assert.ok(isShared(type), type)
  for (const type of ['ext4', 'xfs', 'btrfs', 'zfs', 'apfs', 'overlay', 'tmpfs', 'fuseblk']) assert.ok(!isShared(type), type)
  const findings = new Findings('disk')
  for (const type of ['virtiofs', 'ext4', null]) examineState(findings, '/state', type)
  assert.deepEqual(
    findings.list.map(({ verdict, found, advice }) => [verdict, found, advice]),
    [
      [
        'warn',
        "/state is on virtiofs, where SQLite's write-ahead log can be corrupted",
        'set DAG_STATE to a directory on a local disk',
      ],
      ['ok', 'ext4: /state', null],
      ['none', '/state is on a file system without a name', null],
    ],
  )
})

test('what the file system of the lake cannot do is wrong, before there is a lake', (t) => {
  using place = new Place()
  const config = loadConfig({ environment: place.env })
  const [sound] = examineFileSystems(config)
  assert.equal(sound?.verdict, 'ok')
  assert.match(sound?.found ?? '', /^\S+: links, renames, permissions, locks and fsync work in /)
  withFileSystem(t, 'exfat')
  const [lake] = examineFileSystems(config)
  assert.equal(lake?.verdict, 'wrong')
  assert.match(lake?.found ?? '', /cannot make a symbolic link: EPERM.*; \S+ cannot rename a link over a link: /)
  assert.match(lake?.advice ?? '', /^move the lake to a local disk/)
})

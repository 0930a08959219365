import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dumps, DumpSite, nameOf } from './support/dump-site.ts'
import { RawPlace } from './support/place.ts'
import { childCommand, endOf } from './support/run-child.ts'

const sizeBytes = 1_500_000

/** A mount of one's own needs root and a kernel that allows it, as in most containers it does not. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=64k none /mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const skip = canMount() ? false : 'no mount namespace'

test('a disk that fills up is said, what has arrived is kept, and with room the next run goes on from there', {
  skip,
}, async () => {
  await using site = await DumpSite.start(sizeBytes)
  // Without lengths nobody can see beforehand that there is no room.
  for (const dump of dumps)
    site.misbehave(nameOf(dump), async (_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream', etag: site.files.get(nameOf(dump))?.etag ?? '' })
      await site.send(response, site.bytesOf(nameOf(dump)))
      response.end()
    })
  site.misbehave('page', async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    const names = [...site.files.keys()].map((name) => `<a href="?download=data%2F2026%2F${name}">${name}</a>`)
    response.end(`<pre>\n${names.join('\n')}\n</pre>`)
  })
  using place = new RawPlace()
  const mount = join(place.rawDir, 'disk')
  mkdirSync(mount)
  const command = childCommand(site.url, mount)
  const list = `ls ${mount}/2026-04`
  const child = spawn(
    'unshare',
    [
      '-m',
      'sh',
      '-c',
      `mount -t tmpfs -o size=2500k none ${mount}; ${command}; echo "ended $?"; ${list}; mount -o remount,size=20m ${mount}; ${command}; echo roomy; ${list}; cd ${mount}/2026-04 && sha256sum *.gz`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const { stdout, stderr } = await endOf(child)
  assert.match(stderr, /the disk is full/)
  assert.match(stdout, /^ended 1\n/)
  const [full = '', roomy = ''] = stdout.split('roomy\n')
  assert.match(full, /\.part\n/)
  for (const dump of dumps) assert.ok(stdout.includes(`${site.sha256(nameOf(dump))}  ${nameOf(dump)}\n`), stdout)
  assert.doesNotMatch(roomy, /\.part/)
  assert.ok(site.seen.some(({ range, status }) => range !== undefined && status === 206))
})

test('a part that is fetched from the start gives its room back: no more is asked for than it lacks', { skip }, async () => {
  await using site = await DumpSite.start(sizeBytes)
  using place = new RawPlace()
  const mount = join(place.rawDir, 'disk')
  mkdirSync(mount)
  const labels = nameOf('labels')
  // The first answer stops after most of the file, and what resumes it is the whole file.
  const tag = { etag: site.files.get(labels)?.etag ?? '' }
  site.misbehave(labels, async (_, response) => {
    response.writeHead(200, { 'content-length': sizeBytes, ...tag })
    await site.send(response, site.bytesOf(labels).subarray(0, 1_200_000))
    response.destroy()
  })
  site.misbehave(labels, async (_, response) => {
    response.writeHead(200, { 'content-length': sizeBytes, ...tag })
    await site.send(response, site.bytesOf(labels))
    response.end()
  })
  const script = `mount -t tmpfs -o size=2700k none ${mount}; ${childCommand(site.url, mount, 'labels')}`
  const { code, stdout, stderr } = await endOf(
    spawn('unshare', ['-m', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /"outcome":"fetched"/)
  assert.deepEqual(
    site.seen.filter(({ target }) => target === labels).map(({ range }) => range === undefined),
    [true, false],
  )
})

test('a disk without room is said before anything is fetched', { skip }, async () => {
  await using site = await DumpSite.start(sizeBytes)
  using place = new RawPlace()
  const mount = join(place.rawDir, 'disk')
  mkdirSync(mount)
  const child = spawn(
    'unshare',
    ['-m', 'sh', '-c', `mount -t tmpfs -o size=5m none ${mount}; ${childCommand(site.url, mount)}`],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const { code, stderr } = await endOf(child)
  assert.equal(code, 1)
  assert.match(stderr, /the download of 2026-04 needs 6\.0 MB more, \S+ has 5\.2 MB free/)
  assert.equal(site.sentBytes, 0)
})

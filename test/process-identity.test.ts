import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lifeOf, processStart, startFromPs } from '../src/process-identity.ts'
import { refuseForeignServer, runningServer } from '../src/infra/server-record.ts'
import { Pulse } from '../src/scheduler/pulse.ts'
import { Lab, until } from './scheduler/harness.ts'

const linux = process.platform === 'linux' ? false : 'reads /proc'
const module = JSON.stringify(join(import.meta.dirname, '../src/process-identity.ts'))

/** The start of this process as another one reads it, in an environment of its own. */
function startReadWith(environment: Readonly<Record<string, string>>): string {
  const code = `import { startFromPs } from ${module}; process.stdout.write(String(startFromPs(${process.pid})))`
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env: environment })
}

test('the start that ps tells is the same in every locale and time zone', () => {
  const path = { PATH: '/usr/bin:/bin' }
  const starts = [
    startReadWith({ ...path, TZ: 'Asia/Tokyo', LC_ALL: 'de_DE.UTF-8' }),
    startReadWith({ ...path, TZ: 'America/New_York' }),
    startFromPs(process.pid),
  ]
  assert.equal(new Set(starts).size, 1, starts.join(' | '))
  assert.match(starts[0] ?? '', new RegExp(`^\\w{3} \\w{3} \\d+ \\d\\d:\\d\\d:\\d\\d ${new Date().getUTCFullYear()}$`))
})

test('a process is alive by its own record, by that of an older version, and elsewhere by one of another PID namespace', {
  skip: linux,
}, () => {
  const started = processStart(process.pid) ?? ''
  const [boot, ticks] = started.split(' ')
  const lives = [started, `${boot} ${ticks}`, `${boot} 1`, `${boot} ${ticks} pid:[1]`, `another-boot ${ticks} pid:[1]`]
  assert.deepEqual(
    lives.map((one) => lifeOf(process.pid, one)),
    ['alive', 'alive', 'gone', 'elsewhere', 'gone'],
  )
})

/** In a mount namespace of its own, where /proc/sys/kernel/random is an empty directory. */
const withoutBootId = ['--mount', 'sh', '-c', 'mount -t tmpfs none /proc/sys/kernel/random && exec "$@"', 'sh']
const cannotMount = spawnSync('unshare', [...withoutBootId, 'true']).status === 0 ? false : 'mounting is not permitted here'

test('a machine that does not show the id of its boot tells processes apart all the same', { skip: linux || cannotMount }, () => {
  const code = `import { lifeOf, processStart } from ${module}
    const started = processStart(process.pid)
    console.log(started.split(' ')[0], lifeOf(process.pid, started), lifeOf(process.pid, started.replace(/ \\d+ /, ' 1 ')))`
  const args = [...withoutBootId, process.execPath, '--input-type=module', '-e', code]
  assert.equal(execFileSync('unshare', args, { encoding: 'utf8' }), 'unknown-boot alive gone\n')
})

test('a Trino server of another PID namespace is neither found nor replaced', { skip: linux }, () => {
  using made = new Lab()
  const [boot] = (processStart(process.pid) ?? '').split(' ')
  writeFileSync(join(made.dir, 'server.json'), JSON.stringify({ pid: process.pid, pidStarted: `${boot} 1 pid:[1]` }))
  assert.equal(runningServer(made.dir), null)
  assert.throws(() => refuseForeignServer(made.dir), { exitCode: 5, hint: /stop it in its container/ })
  rmSync(join(made.dir, 'server.json'))
  refuseForeignServer(made.dir)
})

test('a pulse stops when the file is not touched any more', async () => {
  using made = new Lab()
  const file = join(made.dir, 'result.jsonl')
  writeFileSync(file, '')
  const pulse = new Pulse(file, 200)
  utimesSync(file, 1, 1)
  assert.equal(pulse.isBeating(), true)
  await until(() => !pulse.isBeating(), 'silence')
  utimesSync(file, 2, 2)
  assert.equal(pulse.isBeating(), true)
})

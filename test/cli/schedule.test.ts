import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import sax from 'sax'
import { z } from 'zod'
import { launchdLabel, launchdPlist, systemdUnit } from '../../src/cli/service/units.ts'
import { dag, eventually, outcomeOf, Place, startDag } from './support.ts'

const place = new Place()
after(() => place[Symbol.dispose]())

/** Says on stdout what comes to a datagram socket, as the service manager hears it. */
const listener = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound', flush=True)
while True: print(s.recv(4096).decode(), flush=True)`

const hasSystemd = existsSync('/usr/bin/systemd-notify')

test('the daemon says when it is ready, refuses a second one, and stops on SIGTERM', { skip: !hasSystemd }, async () => {
  const socket = join(place.dir, 'notify')
  const manager = spawn('python3', ['-c', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  let heard = ''
  manager.stdout.setEncoding('utf8').on('data', (text: string) => {
    heard += text
  })
  await eventually('the socket', () => (heard.includes('bound') ? true : null))
  const daemon = startDag(['schedule'], { ...place.env, NOTIFY_SOCKET: socket })
  const ended = outcomeOf(daemon)
  await eventually('READY', () => (heard.includes('READY=1') ? true : null))
  const shape = z.object({ schedules: z.array(z.object({ dagId: z.string(), isPaused: z.boolean(), nextSlot: z.string() })) })
  const { schedules } = await place.json(shape, 'schedule', '--list')
  const second = await place.dag('schedule')
  daemon.kill('SIGTERM')
  const { code, stdout } = await ended
  await eventually('STOPPING', () => (heard.includes('STOPPING=1') ? true : null))
  manager.kill()
  await once(manager, 'exit')
  assert.deepEqual([code, stdout], [0, ''])
  assert.deepEqual([second.code, /another `dag schedule` is at work/.test(second.stderr)], [5, true])
  assert.match(schedules.find(({ dagId }) => dagId === 'main')?.nextSlot ?? '', /-20T06:00:00/)
})

test('params that no scheduled dag has, or that are not valid, keep the daemon from starting', async () => {
  const given = [['run_mod=prod'], ['run_mode=produ'], ['run_mode=prod', 'allow_promote=maybe'], ['rebuild=yes please']]
  const ends = await Promise.all(given.map((params) => place.dag('schedule', ...params.flatMap((param) => ['--param', param]))))
  assert.deepEqual(
    ends.map(({ code, stderr }) => [code, stderr.split('\n').slice(0, 2).join(' ').replaceAll(/ +/g, ' ')]),
    [
      [2, 'dag: --param run_mod: no scheduled dag (gc, history, main) has such a param hint: did you mean "run_mode"?'],
      [2, 'dag: params of dag main are not valid: run_mode=produ: Invalid option: expected one of "dev"|"test"|"prod"'],
      [2, 'dag: params of dag main are not valid: allow_promote=maybe: expected true or false'],
      [2, 'dag: params of dag history are not valid: rebuild=yes please: expected true or false'],
    ],
  )
  assert.equal((await place.dag('schedule', '--print-service', '--param', 'run_mod=prod')).code, 2)
})

test('pause and unpause say what they did, also before there was a daemon', async () => {
  using other = new Place()
  const [first, again, unpaused] = [
    await other.dag('pause', 'main'),
    await other.dag('pause', 'main'),
    await other.dag('unpause', 'main'),
  ]
  assert.deepEqual(
    [first, again, unpaused].map(({ code, stdout }) => [code, stdout.split(';')[0]?.trim()]),
    [
      [0, 'dag main is now paused'],
      [0, 'dag main was already paused'],
      [0, 'dag main is now scheduled'],
    ],
  )
  assert.equal((await other.dag('pause', 'man')).code, 4)
})

const odd = {
  projectDir: process.cwd(),
  command: ['/bin/sh', '-c', `a "b" 'c' $d %e \\f <g> &h`],
  environment: { ODD: `$x "y" %z` },
  logFile: '/tmp/x',
}

test('the systemd unit is one that systemd accepts, whatever its words hold', {
  skip: !existsSync('/usr/bin/systemd-analyze'),
}, async () => {
  const file = join(place.dir, 'dag.service')
  writeFileSync(file, systemdUnit(odd))
  execFileSync('systemd-analyze', ['verify', '--user', file], { env: { PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: place.dir } })
  const { code, stdout } = await place.dag('schedule', '--print-service', '--param', 'run_mode=prod')
  assert.equal(code, 0)
  assert.match(stdout, /^Type=notify$/m)
  assert.match(stdout, /^ExecStart=".*node" ".*src\/cli\/dag.ts" "schedule" "--param" "run_mode=prod"$/m)
  assert.ok(stdout.includes(`Environment="DAG_STATE=${place.stateDir}"`))
})

test('the unit carries what the environment says of Trino, passwords aside', async () => {
  const trino = {
    TRINO_URL: 'https://trino.example:8443',
    TRINO_USER: 'reader',
    TRINO_PASSWORD: 'hush',
    TRINO_CA_FILE: '/etc/ca.pem',
  }
  const { stdout } = await dag(['schedule', '--print-service'], { ...place.env, ...trino, SQL_ENGINE: 'trino' })
  const carried = stdout.split('\n').filter((line) => /TRINO|SQL_ENGINE|hush/.test(line))
  assert.deepEqual(carried.toSorted(), [
    'Environment="SQL_ENGINE=trino"',
    'Environment="TRINO_CA_FILE=/etc/ca.pem"',
    'Environment="TRINO_URL=https://trino.example:8443"',
    'Environment="TRINO_USER=reader"',
  ])
})

test('the launchd property list is well-formed and keeps every word', () => {
  const texts: string[] = []
  const parser = sax.parser(true)
  parser.ontext = (text) => texts.push(text)
  parser.write(launchdPlist(odd)).close()
  for (const word of [...odd.command, ...Object.values(odd.environment)]) assert.ok(texts.includes(word), word)
})

/** What a reader of property lists that is not ours makes of one. */
const plistReader = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'

test('a reader of property lists finds the keys that launchd wants, of the right types', () => {
  const read = spawnSync('python3', ['-c', plistReader], { input: launchdPlist(odd), encoding: 'utf8' })
  assert.equal(read.status, 0, read.stderr)
  assert.deepEqual(JSON.parse(read.stdout), {
    Label: launchdLabel,
    ProgramArguments: odd.command,
    WorkingDirectory: odd.projectDir,
    EnvironmentVariables: odd.environment,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ExitTimeOut: 60,
    StandardOutPath: odd.logFile,
    StandardErrorPath: odd.logFile,
  })
})

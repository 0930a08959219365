/** What disks and careless hands do to the state: one sentence and a hint, never a stack. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import Database from 'better-sqlite3'
import { describe } from '../../src/cli/uncaught.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { backUpState } from '../../src/scheduler/store/backup.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, lab } from '../scheduler/harness.ts'
import { dag, type Outcome } from './support.ts'

const made = new Lab()
after(() => made[Symbol.dispose]())
await made.trigger(lab(({ task }) => task('quick', { script: 'quick' })))
const program = join(import.meta.dirname, '../../src/cli/dag.ts')

/** A copy of the state of a run, to be damaged, and the command line on it. */
class Damaged implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'damaged-'))
  readonly stateDir = join(this.dir, 'state')
  readonly file = databaseFile(this.stateDir)

  constructor() {
    cpSync(made.config.stateDir, this.stateDir, { recursive: true })
  }

  get env(): Readonly<Record<string, string>> {
    return { DAG_STATE: this.stateDir, DISCOGS_DATA_LAKE: join(this.dir, 'lake'), DISCOGS_RAW: join(this.dir, 'raw') }
  }

  dag(...args: readonly string[]): Promise<Outcome> {
    return dag(args, this.env)
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Whatever reads or writes the state. */
const commands = (dir: string): readonly (readonly string[])[] => [
  ['runs'],
  ['status', 'latest'],
  ['trigger', 'history'],
  ['state', 'backup', join(dir, 'copy.db')],
]

function assertToldPlainly({ code, stderr }: Outcome, message: RegExp): void {
  assert.equal(code, 1, stderr)
  assert.match(stderr, message)
  assert.match(stderr, /^hint: /m)
  assert.doesNotMatch(stderr, /^\s+at |SuppressedError/m)
}

test('a state with damaged pages is said to be damaged', async () => {
  using damaged = new Damaged()
  const fd = openSync(damaged.file, 'r+')
  for (let at = 4096; at < statSync(damaged.file).size; at += 4096) writeSync(fd, Buffer.alloc(2000, 0xee), 0, 2000, at)
  closeSync(fd)
  for (const outcome of await Promise.all(commands(damaged.dir).map((args) => damaged.dag(...args))))
    assertToldPlainly(outcome, /^dag: the scheduler's state .*scheduler.db is damaged$/m)
})

test('a state that was emptied beside the logs of its runs is not taken for a new one', async () => {
  using damaged = new Damaged()
  truncateSync(damaged.file)
  for (const outcome of await Promise.all(commands(damaged.dir).map((args) => damaged.dag(...args))))
    assertToldPlainly(outcome, /^dag: the scheduler's state .* is empty, but logs and results of earlier runs are beside it$/m)
  assert.equal(statSync(damaged.file).size, 0)
})

test('an empty file with nothing beside it becomes a new state', () => {
  using damaged = new Damaged()
  rmSync(damaged.stateDir, { recursive: true })
  mkdirSync(damaged.stateDir)
  closeSync(openSync(damaged.file, 'w'))
  using store = openStore(damaged.stateDir)
  assert.deepEqual(store.runs(), [])
})

const cannotMount = spawnSync('unshare', ['--mount', 'true']).status === 0 ? false : 'mounting is not permitted here'

test('a disk of the state that fills up is named, with what to do', { skip: cannotMount }, () => {
  using damaged = new Damaged()
  const script = 'mount -t tmpfs -o size=220k none "$DAG_STATE" && exec "$@"'
  const args = ['--mount', 'sh', '-c', script, 'sh', process.execPath, program, 'trigger', 'history']
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin:/usr/sbin:/sbin`, ...damaged.env }
  const { status, stdout, stderr } = spawnSync('unshare', args, { env, encoding: 'utf8' })
  assertToldPlainly(
    { code: status, stdout, stderr },
    /^dag: the scheduler's state .* cannot be read or written: its disk is full$/m,
  )
})

test('a backup of a state that another process keeps locked ends with exit code 5', async () => {
  using damaged = new Damaged()
  const holder = new Database(damaged.file)
  holder.pragma('journal_mode = DELETE')
  const backup = backUpState(damaged.stateDir, join(damaged.dir, 'copy.db'), { replace: false, stallMs: 200 })
  holder.exec('begin exclusive')
  await assert.rejects(backup, { exitCode: 5, message: /has been locked by another process for 0.2 s/ })
  holder.close()
})

const isRoot = process.getuid?.() === 0

test('a backup by somebody who may only read comes to its end beside a write-ahead log that was left', {
  skip: !isRoot && 'only root may become somebody else',
}, async () => {
  using damaged = new Damaged()
  const state = new Database(damaged.file)
  state.prepare("insert into plan select printf('%064d', value), 'big', ?, 'now' from json_each(?)").run(big, numbers)
  state.close()
  for (const suffix of ['-wal', '-shm']) closeSync(openSync(`${damaged.file}${suffix}`, 'w'))
  chmodSync(damaged.dir, 0o777)
  const copy = join(damaged.dir, 'copy.db')
  const { code, stderr } = await dag(['state', 'backup', copy], damaged.env, { uid: 65_534 })
  assert.equal(code, 0, stderr)
  const database = new Database(copy, { readonly: true })
  assert.equal(database.prepare("select count(*) from plan where dag_id = 'big'").pluck().get(), 300)
  database.close()
})

/** Many pages. */
const big = JSON.stringify('x'.repeat(4000))
const numbers = JSON.stringify(Array.from({ length: 300 }, (_, index) => index))

test('an error that nobody foresaw is one sentence; where it happened is shown with DAG_DEBUG alone', () => {
  const text = describe(new SuppressedError(new Error('closing failed'), new TypeError('x is not iterable'), 'both'))
  assert.match(text, /^dag: x is not iterable\nhint: .*DAG_DEBUG=1.*\n$/)
  const code = `import { describe } from ${JSON.stringify(join(import.meta.dirname, '../../src/cli/uncaught.ts'))}
    process.stdout.write(describe(new TypeError('x is not iterable')))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env: { DAG_DEBUG: '1' },
    encoding: 'utf8',
  })
  assert.match(stdout, /^ {4}at /m)
})

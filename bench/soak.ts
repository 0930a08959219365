/**
 * Claim: whatever is killed, whenever, a run of `main` ends as if nothing had happened.
 *
 *     npm run soak -- [--minutes 20] [--seed N]
 *
 * One undisturbed run on generated dumps is the reference. Then the same run again and again, over the same published snapshot, while
 * scheduler, shells, tasks and whole groups are killed (SIGKILL) at random instants. Each must end `success` with the same files byte for
 * byte, promoted once, with `active` never missing or half, no process and no state left behind, and a sound database.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { generateDumps } from '../src/demo/generate.ts'
import { listing } from '../test/cli/support.ts'
import { leftovers, randomFrom, survive } from '../test/support/chaos.ts'
import { removeLake } from '../test/support/remove-lake.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes ?? 20)
const seed = Number(values.seed ?? Date.now() % 2 ** 32)
const random = randomFrom(seed)
const project = join(import.meta.dirname, '..')
const month = '2026-04'
const runId = `${month}__20260420_070000`
const lookEveryMs = 20

const root = mkdtempSync(join(tmpdir(), 'soak-'))

/** A lake and a state of their own, over the same dumps. */
class Place implements Disposable {
  readonly dir: string
  readonly lakeDir: string
  readonly stateDir: string
  /** What a reader of `active` did not find, each once. */
  readonly troubles = new Set<string>()

  constructor(name: string) {
    this.dir = join(root, name)
    this.lakeDir = join(this.dir, 'lake')
    this.stateDir = join(this.dir, 'state')
  }

  start(args: readonly string[]): ChildProcess {
    const env = {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      DISCOGS_RAW: join(root, 'raw'),
      DISCOGS_DATA_LAKE: this.lakeDir,
      DAG_STATE: this.stateDir,
      NODE_COMPILE_CACHE: join(root, 'compile-cache'),
    }
    return spawn(process.execPath, [join(project, 'src/cli/dag.ts'), ...args], { cwd: project, env, stdio: 'ignore' })
  }

  trigger(hour: number): ChildProcess {
    const params = [`dump_month=${month}`, 'run_mode=prod', 'allow_promote=true'].flatMap((param) => ['--param', param])
    return this.start(['trigger', 'main', '--session', `2026-04-20 0${hour}:00:00`, ...params])
  }

  /** The run of 7 o'clock, under fire, with a reader of `active`. @returns kills by target */
  async attack(kills: number, pauseMs: number): ReturnType<typeof survive> {
    const start = (verb: 'trigger' | 'retry') => (verb === 'trigger' ? this.trigger(7) : this.start(['retry', runId]))
    const reader = setInterval(() => this.#look(), lookEveryMs)
    try {
      return await survive({ stateDir: this.stateDir, runId, start, kills, pauseMs, random })
    } finally {
      clearInterval(reader)
    }
  }

  /** Names and digests of what the seal covers. */
  sealed(): Readonly<Record<string, unknown>> {
    const files = Object.entries(listing(join(this.lakeDir, '_runs', runId)))
    return Object.fromEntries(files.filter(([name]) => !name.startsWith('_reports')))
  }

  [Symbol.dispose](): void {
    removeLake(this.dir)
  }

  #look(): void {
    if (!existsSync(join(this.lakeDir, 'active', '_manifest.json'))) this.troubles.add('active was missing or half')
  }
}

/** With the snapshot of 6 o'clock published. */
function copyOfBase(name: string): Place {
  execFileSync('cp', ['-a', join(root, 'base'), join(root, name)])
  return new Place(name)
}

async function succeeded(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<number | null>()
  child.once('exit', resolve)
  const code = await promise
  if (code !== 0) throw new Error(`an undisturbed run ended with ${code}`)
}

console.log(`seed ${seed}, ${minutes} minutes, in ${root}`)
await generateDumps({ directory: join(root, 'raw', month), month, releases: 60 })
const started = performance.now()
let [rounds, kills, faults] = [0, 0, 0]
try {
  await succeeded(new Place('base').trigger(6))
  using reference = copyOfBase('reference')
  await succeeded(reference.trigger(7))
  const expected = reference.sealed()
  while (performance.now() - started < minutes * 60_000) {
    rounds += 1
    using place = copyOfBase(`round-${rounds}`)
    const killed = await place.attack(4 + Math.floor(random() * 12), 1500)
    kills += Object.values(killed).reduce((sum, count) => sum + count, 0)
    const wrong = [...leftovers({ stateDir: place.stateDir, runId }), ...place.troubles]
    if (!isDeepStrictEqual(place.sealed(), expected)) wrong.push('the snapshot differs from that of the undisturbed run')
    faults += wrong.length
    console.log(`round ${rounds}: killed ${JSON.stringify(killed)}: ${wrong.length === 0 ? 'sound' : wrong.join('; ')}`)
  }
} finally {
  removeLake(root)
}
console.log(`${kills} kills in ${rounds} runs, seed ${seed}: ${faults} faults`)
process.exitCode = faults === 0 ? 0 : 1

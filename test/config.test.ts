import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, homedir, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig, taskEnvironment } from '../src/config.ts'
import { standardDownload } from './support/task-context.ts'

function withProject<Result>(envFile: string | null, work: (projectDir: string) => Result): Result {
  const projectDir = mkdtempSync(join(tmpdir(), 'config-'))
  try {
    if (envFile !== null) writeFileSync(join(projectDir, '.env'), envFile)
    return work(projectDir)
  } finally {
    rmSync(projectDir, { recursive: true })
  }
}

const quarterOfMemoryMb = Math.min(8192, Math.max(1024, Math.floor(totalmem() / 4 / 2 ** 20)))

test('without any setting the defaults lie in the project', () => {
  withProject(null, (projectDir) => {
    assert.deepEqual(loadConfig({ environment: {}, cwd: '/elsewhere', projectDir }), {
      projectDir,
      lakeDir: join(projectDir, 'lake/hive-data'),
      rawDir: join(projectDir, 'lake/raw'),
      explicitDirs: [],
      stateDir: join(projectDir, 'state'),
      sqlEngine: 'duckdb',
      trinoUrl: null,
      trino: null,
      download: standardDownload,
      parallelism: availableParallelism(),
      localTrino: {
        cacheDir: join(homedir(), '.cache/discogs-lakehouse'),
        stateDir: join(projectDir, 'state/trino'),
        javaHome: null,
        port: null,
        heapMb: quarterOfMemoryMb,
        jvm: '-XX:+UseG1GC',
        fileSystem: 'native',
      },
      notify: { command: null, webhook: null, kinds: ['failure', 'recovery', 'missed'] },
      metricsFile: null,
    })
  })
})

test('the environment wins over .env; its paths start at the current directory, those of .env at the project', () => {
  withProject(
    'DISCOGS_RAW=files\nDAG_STATE=from-file\nSQL_ENGINE=both\nTRINO_URL="http://file:1"\nDAG_PARALLELISM=7\nTRINO_CA_FILE=ca.pem\nTRINO_USER=me\nTRINO_PORT=8081\nDAG_METRICS_FILE=all.prom\n',
    (projectDir) => {
      const environment = {
        DAG_STATE: 'mine',
        DISCOGS_DATA_LAKE: '/lake',
        TRINO_URL: 'http://env:2',
        TRINO_LAKE_URI: 'file:/data/hive-data/',
        SQL_ENGINE: '',
        DISCOGS_CACHE: 'cache',
        JAVA_HOME: '/jdk',
        TRINO_JVM: '-Xint',
        TRINO_FILE_SYSTEM: 'hadoop',
        DISCOGS_SOURCE_URL: 'http://me:se%20cret@mirror/dumps',
        DISCOGS_CONTACT: 'me@example.org',
        DISCOGS_RATE_LIMIT: '5000',
        DISCOGS_USER_AGENT: 'me/2',
        DISCOGS_HEADERS: 'X-One: 1\nCookie: a=b; c=d',
        DISCOGS_RETRY_FOR: '2h',
        DISCOGS_TRIES: '9',
        DISCOGS_MAX_PAUSE: '90s',
        HTTPS_PROXY: 'http://ignored:1',
        https_proxy: 'proxy:3128',
        NO_PROXY: 'localhost',
        DAG_NOTIFY_COMMAND: 'mail',
        DAG_NOTIFY_ON: 'success, failure',
      }
      assert.deepEqual(loadConfig({ environment, cwd: '/here', projectDir }), {
        projectDir,
        lakeDir: '/lake',
        rawDir: join(projectDir, 'files'),
        explicitDirs: ['lakeDir'],
        stateDir: '/here/mine',
        sqlEngine: 'both',
        trinoUrl: 'http://env:2',
        trino: {
          url: 'http://env:2',
          catalog: 'hive',
          user: 'me',
          password: null,
          jwt: null,
          caFile: join(projectDir, 'ca.pem'),
          lakeUri: 'file:/data/hive-data',
        },
        download: {
          baseUrl: 'http://mirror/dumps/',
          authorization: `Basic ${Buffer.from('me:se cret').toString('base64')}`,
          contact: 'me@example.org',
          userAgent: 'me/2',
          headers: { 'x-one': '1', cookie: 'a=b; c=d' },
          retries: { outageMs: 7_200_000, tries: 9, pauseMs: 1_000, pauseCapMs: 90_000 },
          maxBytesPerSecond: 5_000_000,
          proxy: { http: null, https: 'http://proxy:3128', except: 'localhost' },
        },
        parallelism: 7,
        localTrino: {
          cacheDir: '/here/cache',
          stateDir: '/here/mine/trino',
          javaHome: '/jdk',
          port: 8081,
          heapMb: quarterOfMemoryMb,
          jvm: '-Xint',
          fileSystem: 'hadoop',
        },
        notify: { command: 'mail', webhook: null, kinds: ['success', 'failure'] },
        metricsFile: join(projectDir, 'all.prom'),
      })
    },
  )
})

test('everything that is wrong is said at once', () => {
  withProject(null, (projectDir) => {
    const environment = { SQL_ENGINE: 'mysql', TRINO_URL: 'trino:8080', DAG_PARALLELISM: '0' }
    assert.throws(() => loadConfig({ environment, projectDir }), {
      exitCode: 2,
      message: [
        'the settings are not valid:',
        '  TRINO_URL=trino:8080: an http or https URL is expected',
        '  SQL_ENGINE=mysql: duckdb, trino or both is expected',
        '  DAG_PARALLELISM=0: a whole number from 1 to 999999 is expected',
      ].join('\n'),
    })
    for (const [name, values, expected] of [
      ['TRINO_PORT', ['0', '65536', '80.5', 'http'], 'from 1 to 65535'],
      ['TRINO_HEAP_MB', ['0', '255', '1e3', '2g', '1000000'], 'from 256 to 999999'],
    ] as const)
      for (const value of values)
        assert.throws(() => loadConfig({ environment: { [name]: value }, projectDir }), {
          exitCode: 2,
          message: `the settings are not valid:\n  ${name}=${value}: a whole number ${expected} is expected`,
        })
    assert.throws(() => loadConfig({ environment: { SQL_ENGINE: 'trino' }, projectDir }), /SQL_ENGINE=trino needs TRINO_URL/)
  })
})

test('a task learns everything from its environment, and the state of the scheduler from nowhere else', () => {
  withProject('DAG_STATE=not-for-tasks\n', (projectDir) => {
    const identity = {
      RUN_ID: 'r',
      DAG_ID: 'd',
      TASK_ID: 't',
      SESSION: '2026-01-01 00:00:00',
      ATTEMPT: '2',
      TRY: '3',
      DEFERRED_SINCE: '2026-01-02T00:00:00Z',
    }
    const environment = {
      ...identity,
      PARAM_RUN_MODE: 'dev',
      PARAM_A: '',
      DISCOGS_DATA_LAKE: '/lake',
      DISCOGS_RAW: '/raw',
      TASK_FAULT: 't:before:hold',
    }
    assert.deepEqual(taskEnvironment({ environment, projectDir }), {
      runId: 'r',
      dagId: 'd',
      taskId: 't',
      session: '2026-01-01 00:00:00',
      attempt: 2,
      tryNumber: 3,
      deferredSince: new Date('2026-01-02T00:00:00Z'),
      params: { a: '', run_mode: 'dev' },
      secretParams: [],
      lakeDir: '/lake',
      rawDir: '/raw',
      settings: { sqlEngine: 'duckdb', trinoUrl: null, trino: null, download: standardDownload },
      stateDir: null,
      resultFile: null,
      fault: { taskId: 't', step: 'before', action: 'hold' },
    })
    assert.throws(() => taskEnvironment({ environment: { RUN_ID: 'r', TASK_FAULT: 'x' }, projectDir }), {
      exitCode: 2,
      message: /\n {2}DAG_ID is not set\n {2}TASK_ID is not set\n {2}SESSION is not set\n {2}TASK_FAULT=x: /,
    })
  })
})

test('a leading ~/ is the home directory in every path setting, in .env and in the environment', () => {
  const settings = ['DISCOGS_DATA_LAKE', 'DISCOGS_RAW', 'DAG_STATE', 'DAG_METRICS_FILE', 'DISCOGS_CACHE', 'TRINO_JAVA_HOME']
  const more = { TRINO_URL: 'http://localhost:8080', TRINO_CA_FILE: '~/TRINO_CA_FILE' }
  const environment = { ...Object.fromEntries(settings.map((name) => [name, `~/${name}`])), ...more }
  const inFile = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
  for (const [file, given] of [
    [inFile.join(''), {}],
    [null, environment],
  ] as const) {
    withProject(file, (projectDir) => {
      const { lakeDir, rawDir, stateDir, metricsFile, localTrino, trino } = loadConfig({
        environment: given,
        cwd: '/x',
        projectDir,
      })
      const found = [lakeDir, rawDir, stateDir, metricsFile, localTrino.cacheDir, localTrino.javaHome, trino?.caFile]
      assert.deepEqual(
        found,
        [...settings, 'TRINO_CA_FILE'].map((name) => join(homedir(), name)),
      )
    })
  }
})

test('a ~ that is not the whole first part of a path stays as it is', () => {
  const { lakeDir, rawDir } = loadConfig({ environment: { DISCOGS_DATA_LAKE: '~other/lake', DISCOGS_RAW: 'a/~/b' }, cwd: '/x' })
  assert.deepEqual([lakeDir, rawDir], ['/x/~other/lake', '/x/a/~/b'])
})

test('.env.example explains every variable a person can set', () => {
  const source = readFileSync(join(import.meta.dirname, '../src/config.ts'), 'utf8')
  const example = readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8')
  const loader = source.slice(source.indexOf('export function loadConfig'), source.indexOf('export function taskEnvironment'))
  const variables = new Set(
    [...loader.matchAll(/'([A-Z_]{4,})'/g), ...source.matchAll(/#(?:text|url)\('([A-Z_]+)'\)/g)].map(([, name]) => name),
  )
  assert.ok(variables.size >= 4)
  // Set by systemd, by no person.
  variables.delete('NOTIFY_SOCKET')
  assert.deepEqual(
    [...variables].filter((name) => !example.includes(`#${name}=`)),
    [],
  )
})

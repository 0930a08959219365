import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const project = join(import.meta.dirname, '..')

/** What each room may import of the others, besides itself, `errors` and packages. `type:` allows types alone. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  'process-identity': [],
  'collect-garbage': [],
  settings: [],
  config: ['settings', 'infra', 'type:scheduler', 'type:sql'],
  infra: ['process-identity', 'sql', 'type:config'],
  kernel: [],
  xml: ['type:kernel'],
  parquet: ['type:kernel'],
  sql: [],
  lake: [],
  download: ['settings', 'collect-garbage', 'lake'],
  discogs: ['type:kernel', 'type:xml', 'type:parquet'],
  serving: ['discogs', 'history', 'lake', 'sql'],
  history: ['discogs', 'lake', 'sql'],
  retention: ['download', 'history', 'lake', 'sql'],
  tasks: [
    'task-process',
    'collect-garbage',
    'discogs',
    'download',
    'history',
    'kernel',
    'lake',
    'parquet',
    'retention',
    'process-identity',
    'xml',
    'serving',
    'sql',
    'type:scheduler',
  ],
  cli: [
    'settings',
    'config',
    'scheduler',
    'discogs',
    'download',
    'history',
    'infra',
    'lake',
    'process-identity',
    'retention',
    'serving',
    'sql',
  ],
  scheduler: ['config', 'lake', 'process-identity', 'type:settings', 'type:sql'],
  'task-process': ['config', 'scheduler', 'type:lake'],
  dags: ['scheduler', 'discogs'],
  demo: ['cli', 'config', 'scheduler', 'discogs', 'history', 'infra', 'lake', 'serving', 'sql'],
}

/** `src/xml/gunzip.ts` is of the room `xml`, `src/config.ts` of `config`, `dags/main.ts` of `dags`. */
function roomOf(file: string): string {
  const [first = '', second = ''] = relative(project, file).split('/')
  return first === 'src' ? second.replace(/\.ts$/, '') : first
}

test('imports point one way', () => {
  const violations: string[] = []
  const files = globSync('{src,dags}/**/*.ts', { cwd: project, exclude: ['src/kernel/assembly/**'] })
  for (const file of files) {
    const room = roomOf(join(project, file))
    const allowed = arrows[room]
    assert.ok(allowed !== undefined, `${file}: the room "${room}" has no arrows`)
    for (const [, keyword, target = ''] of readFileSync(join(project, file), 'utf8').matchAll(
      /^(import type|import|export)\b[^;']*?from '(\.[^']+)'/gms,
    )) {
      const to = roomOf(join(dirname(join(project, file)), target))
      const ok =
        to === room || to === 'errors' || allowed.includes(to) || (keyword === 'import type' && allowed.includes(`type:${to}`))
      if (!ok) violations.push(`${file} ${keyword} ${target}`)
    }
  }
  console.log(`${files.length} files`)
  assert.ok(files.length > 40)
  assert.deepEqual(violations, [])
})

test('only the configuration and the parent of children read the environment', () => {
  const readers = globSync('{src,dags}/**/*.ts', { cwd: project }).filter((file) =>
    /process\.env/.test(readFileSync(join(project, file), 'utf8')),
  )
  assert.deepEqual(
    readers.filter((file) => file !== 'src/config.ts' && file !== 'src/scheduler/child-environment.ts'),
    [],
  )
})

/** Dag files that people get wrong, in a copy of the project. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'

const project = join(import.meta.dirname, '../..')
const copy = mkdtempSync(join(tmpdir(), 'dag-files-'))
for (const name of ['src', 'sql', 'dags', 'package.json']) cpSync(join(project, name), join(copy, name), { recursive: true })
symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'))
after(() => rmSync(copy, { recursive: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function dag(...args: readonly string[]): Ended {
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, NO_COLOR: '1' }
  const options = { cwd: copy, env, encoding: 'utf8', timeout: 30_000 } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(copy, 'src/cli/dag.ts'), ...args], options)
  return { code: status, stdout, stderr }
}

/** A dag file; `name` stands in it as given, whatever the file is called. */
function write(file: string, name: string, tasks: string, options = ''): void {
  const head = `import { z } from 'zod'\nimport { defineDag } from '../src/scheduler/dag.ts'\n`
  const given = `about: 'a test', params: () => z.strictObject({ mode: z.string().default('x') }), runPrefix: () => 'x'${options}`
  const text = `${head}export default defineDag('${name}', { ${given} }, ({ task, check, promote }) => { ${tasks} })\n`
  writeFileSync(join(copy, 'dags', `${file}.ts`), text)
}

test('every misspelt name in a dag file is reported with the nearest one, and the other dags are listed', () => {
  const below = "const c = check('c', { script: 'seal' });"
  write('edge', 'edge', "const a = task('a', { script: 'seal' }); task('b', { script: 'seal', upstreams: [a] })")
  write('guard', 'guard', `${below} promote('p', { script: 'promote', upstream: [c], require: { mode: 'prod' } })`)
  write('param', 'param', `${below} promote('p', { script: 'promote', upstream: [c], requires: { mod: 'prod' } })`)
  write('retry', 'retry', "task('a', { script: 'seal', retires: 3 })")
  write('options', 'options', "task('a', { script: 'seal' })", ", schedul: '0 6 * * *'")
  write('times', 'times', "task('a', { script: 'seal' })", ", schedule: { cron: '0 6 * * *', timezone: 'UTC' }")
  write('renamed', 'other', "task('a', { script: 'seal' })")
  write('sound', 'sound', "task('a', { script: 'seal' })")
  writeFileSync(join(copy, 'dags/syntax.ts'), 'export default defineDag(\n  { oops oops }')
  const checked = dag('check', '--json')
  const problems: Record<string, string | null> = Object.fromEntries(
    JSON.parse(checked.stdout).map(({ dag: name, problem }: { dag: string; problem: string | null }) => [name, problem]),
  )
  assert.deepEqual(
    { ...problems, syntax: problems['syntax']?.replace(/: SyntaxError.*/, '') },
    {
      edge: 'task b of dag edge: there is no option "upstreams"; did you mean "upstream"?',
      gc: null,
      guard: 'task p of dag guard: there is no option "require"; did you mean "requires"?',
      history: null,
      main: null,
      options: 'dag options: there is no option "schedul"; did you mean "schedule"?',
      param: 'task p of dag param requires mod, which is no param of the dag; did you mean "mode"?',
      renamed: 'dags/renamed.ts defines the dag "other"; export default defineDag("renamed", …): a dag is named after its file',
      retry: 'task a of dag retry: there is no option "retires"; did you mean "retries"?',
      sound: null,
      syntax: 'dags/syntax.ts:2 cannot be loaded',
      times: 'the schedule of dag times: there is no option "timezone"; did you mean "timeZone"?',
    },
  )
  assert.equal(checked.code, 2)
  const listed = dag('list')
  assert.equal(listed.code, 0)
  assert.match(listed.stdout, /^sound {2,}1 {2}a test$/m)
  assert.match(listed.stdout, /^syntax .*dags\/syntax.ts:2 cannot be loaded: SyntaxError/m)
  for (const { stdout, stderr } of [checked, listed]) assert.doesNotMatch(stdout + stderr, /^ +at /m)
  const triggered = dag('trigger', 'renamed')
  assert.deepEqual([triggered.code, triggered.stderr.split('\n')[0]], [2, 'dag: dags/renamed.ts defines the dag "other"'])
})

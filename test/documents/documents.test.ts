/** Every command block of the documents and every example of `--help`, run in order against the demo. */
import assert from 'node:assert/strict'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { generateDumps } from '../../src/demo/generate.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { runSchema } from '../../src/serving/trino-lake.ts'
import { TrinoEngine } from '../../src/sql/trino.ts'
import { dropSchema } from '../../src/sql/trino-sync.ts'
import { DumpSite, nameOf } from '../download/support/dump-site.ts'
import { publishedSchemas } from '../support/published-schemas.ts'
import { skipTrino, testStateDir, trinoServer } from '../support/trino-server.ts'
import { allCommands, blocksOf, commandsOf, type Documented, examplesIn, examplesOf, projectDir } from './commands.ts'
import { excepted, type Expectation, expectations, notCommands, shownAs, substituted } from './expected.ts'
import { DocumentPlace } from './place.ts'

const trinoPage = 'docs/trino.md'
const pages = [
  'README.md',
  ...globSync('docs/*.md', { cwd: projectDir })
    .filter((file) => file !== trinoPage)
    .toSorted(),
  'state/README.md',
  'infra/README.md',
]

/** Of the real months. */
const releases = 60

const site = await DumpSite.start(1_000)
const place = new DocumentPlace(site.url)
const trinoPlace = new DocumentPlace(site.url)
const historyPlace = new DocumentPlace(site.url)
let endTurn = (): void => {}
const seen = new Set<string>()

before(async () => {
  await publishOnSite('2026-04')
  await Promise.all(
    ['2026-03', '2026-01'].map((month) => generateDumps({ directory: join(place.rawDir, month), month, releases })),
  )
})
after(async () => {
  await forgetTrinoSchemas()
  endTurn()
  place[Symbol.dispose]()
  trinoPlace[Symbol.dispose]()
  historyPlace[Symbol.dispose]()
  await site[Symbol.asyncDispose]()
})

async function publishOnSite(month: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'documents-site-'))
  for (const { dump, path } of await generateDumps({ directory, month, releases })) site.put(nameOf(dump), readFileSync(path))
  site.putChecksums()
  rmSync(directory, { recursive: true })
}

/** Commands that end in a link to systemd, say, are taken apart: the parts that can run do. */
function runnable(command: string): string {
  const parts = command.split(' && ')
  for (const part of parts) if (Object.hasOwn(excepted, part)) seen.add(part)
  return parts.filter((part) => !Object.hasOwn(excepted, part)).join(' && ')
}

function expectationOf(command: string): Expectation {
  seen.add(command)
  return expectations[command] ?? {}
}

/** @param preamble aliases and variables of earlier commands */
async function runDocumented(where: DocumentPlace, { command, shown }: Documented, preamble = ''): Promise<void> {
  const { code = 0, prints, before: first = ':', interruptAt, ignoresShown } = expectationOf(command)
  const script = `${preamble}{ ${first}\n} > /dev/null || exit 99\n${substituted(runnable(command), where)}`
  const ran = await where.run(script, interruptAt)
  const advice = `${command}\nended with ${ran.code}. Mend the command or its document; where this is meant, add the command to \`expectations\` (its exit code, what it prints, what runs before) or, when no test can run it, to \`excepted\` in test/documents/expected.ts.\n${ran.output}`
  assert.equal(ran.code, code, advice)
  if (prints !== undefined) assert.match(ran.output, prints, command)
  if (ignoresShown === undefined && shown.length > 0)
    assert.match(ran.output, shownAs(shown), `${command}\nThe document shows other output.`)
}

function missingProgram(command: string): string | false {
  const program = ['jq', 'curl', 'java', 'mvn', 'duckdb', 'sqlite3'].find(
    (name) => new RegExp(`(^|[|;(] *)${name} `).test(command) && !isInstalled(name),
  )
  return program === undefined ? false : `${program} is not installed`
}

function isInstalled(program: string): boolean {
  return globSync(`{${(process.env['PATH'] ?? '').split(':').join(',')}}/${program}`).length > 0
}

for (const page of pages) {
  describe(page, () => {
    for (const block of blocksOf(page)) {
      // Excerpts of a dag, a task or a file.
      if (['ts', 'json'].includes(block.language)) continue
      if (block.language === 'sql') {
        test(`${block.place} is a query of the state`, () => {
          const database = new Database(databaseFile(place.stateDir), { readonly: true })
          try {
            database.prepare(block.lines.join('\n')).all()
          } finally {
            database.close()
          }
        })
        continue
      }
      const commands = commandsOf(block)
      if (commands.length === 0) test(`${block.place} is known to show no commands`, () => assertNoCommands(block.lines[0] ?? ''))
      for (const documented of commands)
        if (runnable(documented.command) !== '')
          test(`${block.place} ${documented.command}`, { skip: missingProgram(documented.command) }, async () => {
            await runDocumented(place, documented)
            if (documented.command === 'npm start' && !seen.has(trinoPage)) keepDemoForTrino()
          })
    }
  })
}

function assertNoCommands(firstLine: string): void {
  seen.add(firstLine)
  assert.ok(
    Object.hasOwn(notCommands, firstLine),
    `this block begins with no known command: add its first line to \`notCommands\`, or its program to \`beginsCommand\``,
  )
}

/** docs/trino.md shows the demo month, which the README's own commands replace. */
function keepDemoForTrino(): void {
  seen.add(trinoPage)
  cpSync(place.lakeDir, trinoPlace.lakeDir, { recursive: true, verbatimSymlinks: true })
}

/** The local server of a place is that of all tests. */
function linkTrino(where: DocumentPlace): void {
  mkdirSync(where.stateDir, { recursive: true })
  symlinkSync(testStateDir(), join(where.stateDir, 'trino'))
}

describe(trinoPage, { skip: skipTrino }, () => {
  let preamble = ''
  before(async () => {
    trinoPlace.trinoUrl = (await trinoServer()).url
    endTurn = await publishedSchemas()
    // Of a test that was killed.
    await forgetTrinoSchemas()
    linkTrino(trinoPlace)
  })
  // The examples of --help register another lake.
  after(forgetTrinoSchemas)
  for (const block of blocksOf(trinoPage)) {
    const commands = commandsOf(block)
    if (commands.length === 0) test(`${block.place} is known to show no commands`, () => assertNoCommands(block.lines[0] ?? ''))
    for (const { command, shown } of commands)
      test(`${block.place} ${command}`, { skip: missingProgram(command) }, async () => {
        await runDocumented(trinoPlace, { command, shown }, preamble)
        if (/^alias |^\w+=\$\(/.test(command)) preamble += `${substituted(command, trinoPlace)}\n`
      })
  }
})

test('npm run demo:history, which npm start recommends', async () => {
  const { code, output } = await historyPlace.run('npm run demo:history')
  assert.equal(code, 0, output)
  assert.match(output, /report +\S+history_latest\.html/)
  for (const [, recommended = ''] of output.matchAll(/^ {2}(bin\/dag .+)$/gm)) {
    const next = await historyPlace.run(recommended)
    assert.equal(next.code, 0, `${recommended}\n${next.output}`)
  }
})

describe('examples of --help', async () => {
  const commands = await allCommands()
  const all = new Set([...commands.flatMap(examplesOf), ...examplesIn((await place.run('bin/dag --help')).output)])
  for (const command of all) {
    if (runnable(command) === '') continue
    const asksTrino = /^(?:[A-Z_]+=\S+ )*dag (?:trino|infra)|--engine trino/.test(command)
    test(command, { skip: missingProgram(command) || (asksTrino && skipTrino) }, async () => {
      if (asksTrino && !seen.has('linked')) linkTrino(place)
      if (asksTrino) seen.add('linked')
      await runDocumented(place, { command, shown: [] })
    })
  }

  test('each command has one', () => {
    assert.deepEqual(
      commands.filter((command) => examplesOf(command).length === 0).map((command) => command.name()),
      [],
    )
  })
})

test('what is excepted or expected is still in a document', () => {
  const known = [...Object.keys(excepted), ...Object.keys(notCommands), ...Object.keys(expectations)]
  const isSkipped = (text: string): boolean => skipTrino !== false && /trino|infra/.test(text)
  assert.deepEqual(
    known.filter((text) => !seen.has(text) && !isSkipped(text)),
    [],
    'no document shows these: remove them from test/documents/expected.ts',
  )
})

async function forgetTrinoSchemas(): Promise<void> {
  if (skipTrino !== false) return
  await using engine = await TrinoEngine.open(await trinoServer())
  const { rows } = await engine.table('show schemas')
  const own = rows
    .map(([name]) => String(name))
    .filter((name) => /^discogs(_stable)?$|^mine$/.test(name) || name.startsWith(runSchema('20')))
  for (const name of own) await dropSchema(engine, name)
}

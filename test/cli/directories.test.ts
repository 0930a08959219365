/** Directories that are files, and directories that a user may not enter: every command says so in a sentence. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { dag, month } from './support.ts'

const root = mkdtempSync(join(tmpdir(), 'directories-'))
chmodSync(root, 0o755)
const [file, closed, home] = ['file', 'closed', 'home'].map((name) => join(root, name)) as [string, string, string]
writeFileSync(file, 'in the way')
mkdirSync(closed)
mkdirSync(home)
chmodSync(closed, 0o700)
chmodSync(home, 0o777)
after(() => rmSync(root, { recursive: true }))

/** Of each kind one that reads, one that writes, and all that go to the site, the lake or the state by ways of their own. */
const commands = [
  ['doctor'],
  ['active'],
  ['gc'],
  ['gc', '--raw-months', '1'],
  ['runs'],
  ['status', 'latest'],
  ['logs', 'latest', 'build'],
  ['cancel', 'latest'],
  ['promote', 'latest'],
  ['rollback'],
  ['sql', 'select 1'],
  ['diff', '2026-01', '2026-02'],
  ['notify'],
  ['state', 'backup', join(home, 'copy.db')],
  ['trigger', 'main', '--session', '2026-04-20', '--param', `dump_month=${month}`],
  ['backfill', 'main', '--from', '2025-06', '--to', '2025-07', '--dry-run'],
  ['schedule', '--list'],
  ['download', '--verify'],
  ['download', '--month', month, '--retry-for', '1s'],
] as const

/** As the documents and the help of `dag` list them. */
const exitCodes: ReadonlySet<number | null> = new Set([0, 1, 2, 3, 4, 5])
const nobody = { uid: 65_534, gid: 65_534 }
const directories = (broken: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  DISCOGS_RAW: join(root, 'raw'),
  DISCOGS_DATA_LAKE: join(root, 'lake'),
  DAG_STATE: mkdtempSync(join(root, 'state-')),
  DISCOGS_SOURCE_URL: 'http://127.0.0.1:1/',
  ...broken,
})

const breakages = [
  ['the raw directory is a file', { DISCOGS_RAW: file }, {}],
  ['the lake is a file', { DISCOGS_DATA_LAKE: file }, {}],
  ['the state is a file', { DAG_STATE: file }, {}],
  ['the state would lie in a file', { DAG_STATE: join(file, 'state') }, {}],
  [
    'nothing may be entered',
    {
      DISCOGS_RAW: join(closed, 'raw'),
      DISCOGS_DATA_LAKE: join(closed, 'lake'),
      DAG_STATE: join(closed, 'state'),
      HOME: home,
      TMPDIR: home,
    },
    nobody,
  ],
] as const

describe('directories that are none', { concurrency: 2 }, () => {
  for (const [title, broken, user] of breakages) {
    const isOther = 'uid' in user
    const skip = isOther && process.getuid?.() !== 0 ? 'only root can run a command as somebody else' : false
    test(title, { skip }, async () => {
      const env = directories(broken)
      for (const args of commands) {
        const { code, stdout, stderr } = await dag(args, env, user)
        const said = `${title}: dag ${args.join(' ')}\n${stdout}${stderr}`
        assert.ok(exitCodes.has(code), `${code}: ${said}`)
        assert.doesNotMatch(stdout + stderr, /^\s+at .*(node:|file:|\.ts:)/m, said)
        if (code !== 0 && stderr !== '') assert.match(stderr, /^dag: .+$/m, said)
      }
    })
  }
})

/**
 * Whether the server sees this lake: a tiny Parquet file with a random word is written below `_meta/`, registered in a schema of its own
 * and read through the server. Both go again, whatever happens; what a killed doctor left is removed by the next one.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Config } from '../../config.ts'
import { messageOf } from '../../errors.ts'
import { metaDir } from '../../lake/layout.ts'
import { lakeUri } from '../../serving/trino-lake.ts'
import { DuckDbEngine } from '../../sql/duckdb.ts'
import { quoteIdentifier, quoteText } from '../../sql/quote.ts'
import { dropSchema, schemasNamed } from '../../sql/trino-sync.ts'
import type { TrinoEngine, TrinoSettings } from '../../sql/trino.ts'
import type { Findings } from './finding.ts'

export interface ServedConfig extends Config {
  readonly trino: TrinoSettings
}

const directoryPrefix = 'doctor-'
const schemaPrefix = 'discogs_doctor_'
/** A probe takes seconds; another doctor's may be under way. */
const abandonedMs = 10 * 60_000

/** @returns whether it does; null when that could not be tried */
export async function examineSameLake(findings: Findings, engine: TrinoEngine, config: ServedConfig): Promise<boolean | null> {
  const meta = metaDir(config.lakeDir)
  if (!existsSync(config.lakeDir)) {
    findings.none('same lake', `${config.lakeDir} does not exist yet`)
    return null
  }
  const id = `${Date.now()}_${randomBytes(4).toString('hex')}`
  const [directory, schema, word] = [
    join(meta, `${directoryPrefix}${id}`),
    `${schemaPrefix}${id}`,
    randomBytes(12).toString('hex'),
  ]
  try {
    await removeAbandoned(engine, meta)
    await writeProbe(directory, word)
  } catch (error) {
    findings.none('same lake', `no probe could be written: ${messageOf(error)}`, `give yourself write permission for ${meta}`)
    rmSync(directory, { recursive: true, force: true })
    return null
  }
  const location = `${lakeUri(config)}/${basename(meta)}/${basename(directory)}`
  try {
    const found = await readProbe(engine, schema, location)
    if (found === word) findings.ok('same lake', `a file written here was read at ${lakeUri(config)}`)
    else findings.wrong('same lake', wrongWord(found, location), schemeAdvice(config))
    return found === word
  } catch (error) {
    findings.wrong('same lake', `a file written here cannot be read at ${location}: ${messageOf(error)}`, schemeAdvice(config))
    return false
  } finally {
    await dropSchema(engine, schema).catch((error: unknown) =>
      findings.wrong(
        'probe',
        `the schema ${schema} could not be dropped: ${messageOf(error)}`,
        `drop it: DROP SCHEMA ${schema} CASCADE`,
      ),
    )
    rmSync(directory, { recursive: true, force: true })
  }
}

async function writeProbe(directory: string, word: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  await using engine = await DuckDbEngine.open({ threads: 1 })
  await engine.copyToParquet({ name: 'probe', text: `SELECT ${quoteText(word)} AS word` }, join(directory, 'probe.parquet'))
}

/** @returns null when the server finds no row, which it does without an error where the URI's scheme is not the right one */
async function readProbe(engine: TrinoEngine, schema: string, location: string): Promise<string | null> {
  await engine.execute(`CREATE SCHEMA ${quoteIdentifier(schema)}`)
  const table = `${quoteIdentifier(schema)}.probe`
  await engine.execute(
    `CREATE TABLE ${table} (word varchar) WITH (external_location = ${quoteText(location)}, format = 'PARQUET')`,
  )
  const [row] = await engine.query(`SELECT word FROM ${table}`)
  return row === undefined ? null : String(row['word'])
}

function wrongWord(found: string | null, location: string): string {
  return found === null
    ? `the server sees no row of a file written to ${location}, and says no error`
    : `the server reads another file at ${location}`
}

function schemeAdvice({ lakeDir }: ServedConfig): string {
  return `TRINO_LAKE_URI must be ${lakeDir} as the server reaches it: local:///… with its native file system, file:///… with hadoop's`
}

/** What killed doctors left. */
async function removeAbandoned(engine: TrinoEngine, meta: string): Promise<void> {
  for (const schema of await schemasNamed(engine, schemaPrefix)) {
    const madeAt = Number(/^(\d+)_/.exec(schema.slice(schemaPrefix.length))?.[1])
    if (Date.now() - madeAt > abandonedMs) await dropSchema(engine, schema)
  }
  const names = existsSync(meta) ? readdirSync(meta).filter((name) => name.startsWith(directoryPrefix)) : []
  for (const name of names) {
    const directory = join(meta, name)
    if (Date.now() - statSync(directory).mtimeMs > abandonedMs) rmSync(directory, { recursive: true, force: true })
  }
}

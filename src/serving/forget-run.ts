/** Forgets a run: drops its schema on the server. Its files stay, and so does whatever somebody else put into the schema. */
import { dirname } from 'node:path'
import { exitCodes, PipelineError } from '../errors.ts'
import { linkTarget } from '../lake/layout.ts'
import { activeRunId } from '../lake/pointer.ts'
import { eachOf } from '../sql/each-of.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import { placesOf } from '../sql/trino-locations.ts'
import { dropStatement, type FoundRelation, isOurs } from '../sql/trino-plan.ts'
import { findSchemas } from '../sql/trino-sync.ts'
import { lakeUris, openTrino, runSchema, type ServedLake, stableSchema } from './trino-lake.ts'

/**
 * Drops the schema of a run, which need not be in the lake any more. Not with CASCADE: that would also take what somebody adds meanwhile.
 * @returns the statements; none when there is no such schema
 * @throws PipelineError (exit 3) when the run is published, or the schema has relations that dag did not make; then nothing is dropped
 */
export async function forgetRun(lake: ServedLake, runId: string, dryRun = false): Promise<readonly string[]> {
  requireUnpublished(lake, runId)
  const schema = runSchema(runId)
  await using engine = await openTrino(lake)
  const found = (await findSchemas(engine, lake.trino.catalog, [schema])).get(schema) ?? null
  if (found === null) return []
  const tables = [...found].filter(([, { kind }]) => kind === 'table').map(([table]) => ({ schema, table }))
  // Not only of this run: its id may be given as the schema has it.
  const bases = lakeUris(lake).map((base) => `${base}/${dirname(linkTarget(runId))}`)
  const evidence = { places: await placesOf(engine, tables), texts: new Map(), bases }
  requireOurs(
    schema,
    [...found].filter(([name, relation]) => !isOurs(schema, name, relation, evidence)).map(([name]) => name),
  )
  const drops = inOrder(found).map(([name, { kind }]) => dropStatement(schema, name, kind))
  const last = `DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)}`
  if (!dryRun) {
    await eachOf(drops, (text) => engine.execute({ name: `forget ${runId}`, text }))
    await engine.execute({ name: `drop schema ${schema}`, text: last })
  }
  return [...drops, last]
}

/** Views before the tables that they read. */
function inOrder(found: ReadonlyMap<string, FoundRelation>): readonly [string, FoundRelation][] {
  return [...found].toSorted(([, left], [, right]) => Number(left.kind === 'table') - Number(right.kind === 'table'))
}

function requireUnpublished({ lakeDir }: ServedLake, runId: string): void {
  if (activeRunId(lakeDir) !== runId) return
  throw new PipelineError(`dropping the schema of ${runId}: it is published, and ${stableSchema} reads it`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: 'promote another run first',
  })
}

function requireOurs(schema: string, others: readonly string[]): void {
  if (others.length === 0) return
  throw new PipelineError(`dropping the schema ${schema}: \`dag\` did not make ${others.join(', ')} in it`, {
    exitCode: exitCodes.conflict,
    retryable: false,
    hint: 'move or drop these first; nothing was dropped',
  })
}

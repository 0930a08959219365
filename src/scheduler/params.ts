/** Params of a dag: text in, validated by a zod object, text out. */
import { z } from 'zod'
import { exitCodes, PipelineError } from '../errors.ts'
import { suggest } from './nearest.ts'
import type { Session } from './session.ts'

/** Every value must have a plain text form, since it reaches the tasks as `PARAM_<NAME>`. */
export type ParamsSchema = z.ZodObject<Readonly<Record<string, z.ZodType<string | number | boolean>>>, z.core.$strict>

export interface Resolved {
  readonly runId: string
  /** All params, as text, sorted by name. */
  readonly params: Readonly<Record<string, string>>
}

export interface ParamDescription {
  readonly name: string
  /** Null when the param must be given. */
  readonly standard: string | null
  readonly about: string
}

interface Request<Schema extends ParamsSchema> {
  readonly dag: string
  readonly session: Session
  readonly given: Readonly<Record<string, string>>
  readonly schema: Schema
  readonly runPrefix: (params: z.output<Schema>) => string
}

/** @throws PipelineError (exit 2) that names every bad param */
export function resolveParams<Schema extends ParamsSchema>({
  dag,
  session,
  given,
  schema,
  runPrefix,
}: Request<Schema>): Resolved {
  const names = Object.keys(schema.shape)
  refuse(dag, [...names.flatMap(badName), ...Object.keys(given).flatMap((name) => unknownParam(name, names))])
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    refuse(
      dag,
      parsed.error.issues.map((issue) => badValue(issue, given)),
    )
    throw parsed.error
  }
  const params = Object.entries(parsed.data).map(([name, value]) => [name, String(value)] as const)
  return {
    runId: runIdOf(dag, runPrefix(parsed.data), session),
    params: Object.fromEntries(params.toSorted(([left], [right]) => (left < right ? -1 : 1))),
  }
}

export function describeParams(schema: ParamsSchema): readonly ParamDescription[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const standard = type.safeParse(undefined)
    return { name, standard: standard.success ? String(standard.data) : null, about: type.description ?? '' }
  })
}

/** A whole number from 0 to `max`, given as text. */
export function wholeNumber(max: number = Number.MAX_SAFE_INTEGER) {
  return z
    .string()
    .regex(/^\d{1,16}$/, 'expected a whole number, 0 or more')
    .transform(Number)
    .refine((value) => value <= max, `expected ${max} at most`)
}

/** A share in percent, 0 to 100, fractions allowed, given as text. */
export function percent() {
  return z
    .string()
    .regex(/^\d{1,3}(\.\d+)?$/, 'expected a number from 0 to 100')
    .transform(Number)
    .refine((value) => value <= 100, 'expected a number from 0 to 100')
}

function badName(name: string): readonly string[] {
  return /^[a-z][a-z0-9_]*$/.test(name) ? [] : [`${name}: names of params are snake_case`]
}

function unknownParam(name: string, names: readonly string[]): readonly string[] {
  if (names.includes(name)) return []
  const hint = suggest(name, names)
  return [`${name}: there is no such param${hint === undefined ? '' : `; ${hint}`}`]
}

function badValue(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>): string {
  const name = String(issue.path[0] ?? 'params')
  const value = given[name]
  return value === undefined ? `${name}: not given, and it has no default` : `${name}=${value}: ${issue.message}`
}

function refuse(dag: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  throw new PipelineError(`params of dag ${dag} are not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: `\`dag show ${dag}\` lists the params`,
  })
}

/** Run ids stand in paths and in names of schemas. */
function runIdOf(dag: string, prefix: string, session: Session): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$/.test(prefix)) return `${prefix}__${session.stamp}`
  throw new PipelineError(`dag ${dag}: ${JSON.stringify(prefix)} cannot begin a run id: letters, digits, "_" and "-" only`, {
    exitCode: exitCodes.usage,
    retryable: false,
  })
}

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
  /** Names of those that are secret. */
  readonly secrets: readonly string[]
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
  const secrets = names.filter((name) => isSecret(schema, name))
  refuse(dag, [
    ...tooLarge(given),
    ...names.flatMap(badName),
    ...Object.keys(given).flatMap((name) => unknownParam(name, names)),
    ...Object.keys(given).flatMap((name) =>
      given[name] === masked ? [`${name}: ${masked} stands for a value that is not shown`] : [],
    ),
  ])
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    refuse(
      dag,
      parsed.error.issues.map((issue) => badValue(issue, given, secrets)),
    )
    throw parsed.error
  }
  const params = Object.entries(parsed.data).map(([name, value]) => [name, String(value)] as const)
  return {
    runId: runIdOf(dag, runPrefix(parsed.data), session),
    params: Object.fromEntries(params.toSorted(([left], [right]) => (left < right ? -1 : 1))),
    secrets,
  }
}

export function describeParams(schema: ParamsSchema): readonly ParamDescription[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const standard = type.safeParse(undefined)
    return {
      name,
      standard: standard.success ? (isSecret(schema, name) ? masked : String(standard.data)) : null,
      about: type.description ?? '',
    }
  })
}

/** What stands in the state, and in everything that is printed, in place of a secret. */
export const masked = '***'

/** Marks a param whose value must not be seen: `token: secret(z.string().default(''))`, outermost. */
export function secret<Schema extends z.ZodType<string>>(schema: Schema): Schema {
  return schema.meta({ secret: true })
}

/** Whose result depends on a param. */
export interface Readers {
  /** Scripts of tasks. */
  readonly scripts: readonly string[]
  /** A greater value only lets more pass: a result that was accepted under a smaller one stays valid. Default false. */
  readonly isLimit?: boolean
}

/** Names the readers of a param, so that a retry with another value runs no other tasks again; outermost, as {@link secret}. */
export function readBy<Schema extends z.ZodType>(schema: Schema, readers: Readers): Schema {
  return schema.meta({ readers })
}

/** Null: the param does not say, so any task may read it. */
export function readersOf(schema: ParamsSchema, name: string): Readers | null {
  return (schema.shape[name]?.meta()?.['readers'] as Readers | undefined) ?? null
}

function isSecret(schema: ParamsSchema, name: string): boolean {
  return schema.shape[name]?.meta()?.['secret'] === true
}

/** Every value becomes a variable of the environment of every task. */
const maxBytes = 65_536

function tooLarge(given: Readonly<Record<string, string>>): readonly string[] {
  const bytes = Object.entries(given).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0)
  return bytes > maxBytes ? [`${bytes} bytes of params are too many, ${maxBytes} are allowed: put large things into files`] : []
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

function badValue(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>, secrets: readonly string[]): string {
  const name = String(issue.path[0] ?? 'params')
  const value = secrets.includes(name) && given[name] !== undefined ? masked : given[name]
  return value === undefined
    ? `${name}: not given, and it has no default`
    : `${name}=${value.length > 200 ? `${value.slice(0, 200)}…` : value}: ${issue.message}`
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

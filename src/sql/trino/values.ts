/** From the JSON of a page to the values of `SqlValue`, exactly. */
import { distinctNames, type NestedValue, type SqlValue } from '../engine.ts'

export interface TrinoColumn {
  readonly name: string
  readonly type: string
  /** Missing in the types of trino-client. */
  readonly typeSignature?: TypeSignature
}

/** As the server describes a type: that of a row has the names of its fields. */
interface TypeSignature {
  readonly rawType: string
  readonly arguments: readonly { readonly kind: string; readonly value: unknown }[]
}

/** What JSON.parse alone would round. */
const longNumber = /\d{16}/

/** JSON.parse that keeps every whole number: one that a double cannot hold becomes a bigint. */
export function parseExactly(text: string): unknown {
  return longNumber.test(text) ? JSON.parse(text, exact) : JSON.parse(text)
}

function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
}

/** @param type as the server names it, such as `varchar(3)` */
export function converter(type: string): (value: unknown) => SqlValue {
  const convert = converters[type.replace(/\(.*$/, '')] ?? asText
  return (value) => (value === null || value === undefined ? null : convert(value))
}

/** As {@link converter}, but arrays, maps and rows keep their structure. */
export function structuredConverter({ type, typeSignature }: TrinoColumn): (value: unknown) => SqlValue | NestedValue {
  if (typeSignature === undefined || !nestedTypes.has(typeSignature.rawType)) return converter(type)
  const structure = structureOf(typeSignature)
  return (value) =>
    value === null || value === undefined ? null : { toString: () => asText(value), toJSON: () => structure(value) }
}

const nestedTypes: ReadonlySet<string> = new Set(['array', 'map', 'row'])

function structureOf({ rawType, arguments: parts }: TypeSignature): (value: unknown) => unknown {
  if (!nestedTypes.has(rawType)) return converter(rawType)
  const inner = parts.map(({ kind, value }) =>
    structureOf(kind === 'NAMED_TYPE' ? (value as NamedType).typeSignature : (value as TypeSignature)),
  )
  const ofPart = (index: number, value: unknown): unknown => inner[index]?.(value)
  const whole = (value: unknown): unknown => {
    if (rawType === 'array') return (value as readonly unknown[]).map((one) => ofPart(0, one))
    if (rawType === 'map') return Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, ofPart(1, one)]))
    const names = fieldNames(parts)
    return Object.fromEntries((value as readonly unknown[]).map((one, index) => [names[index], ofPart(index, one)]))
  }
  return (value) => (value === null || value === undefined ? null : whole(value))
}

interface NamedType {
  readonly fieldName?: { readonly name: string }
  readonly typeSignature: TypeSignature
}

/** A field without a name has the one that Trino gives it when it is cast to JSON, by its place. */
function fieldNames(parts: TypeSignature['arguments']): readonly string[] {
  return distinctNames(parts.map(({ value }, index) => (value as NamedType).fieldName?.name ?? `field${index}`))
}

const converters: Readonly<Record<string, (value: unknown) => SqlValue>> = {
  bigint: (value) => BigInt(value as number | bigint),
  integer: Number,
  smallint: Number,
  tinyint: Number,
  double: Number, // NaN and the infinities come as texts
  real: Number,
  boolean: (value) => value === true,
}

/** Dates, decimals, timestamps are texts already; arrays, maps and rows become JSON. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, withBigIntegers)
}

function withBigIntegers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJson(String(value)) : value
}

/** In Node since 22; TypeScript's library does not know it yet. */
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

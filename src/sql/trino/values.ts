/** From the JSON of a page to the values of `SqlValue`, exactly. */
import type { SqlValue } from '../engine.ts'

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

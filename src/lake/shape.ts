/** Holds parsed JSON against what is expected: where loading zod would take longer than all that a process does. */

/** @returns the value, without fields that nobody has asked for; @throws TypeError that says where it is something else */
export type Shape<T> = (value: unknown, at: string) => T

export const text: Shape<string> = (value, at) => (typeof value === 'string' ? value : refuse(value, at, 'a text'))

export const count: Shape<number> = (value, at) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : refuse(value, at, 'a whole number')

export function matching(pattern: RegExp): Shape<string> {
  return (value, at) => (typeof value === 'string' && pattern.test(value) ? value : refuse(value, at, String(pattern)))
}

export function oneOf<const T extends string | number>(...values: readonly T[]): Shape<T> {
  return (value, at) => values.find((one) => one === value) ?? refuse(value, at, values.join(' or '))
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, at) => (value === null ? null : shape(value, at))
}

export function list<T>(shape: Shape<T>): Shape<T[]> {
  return (value, at) =>
    Array.isArray(value) ? value.map((one, index) => shape(one, `${at}[${index}]`)) : refuse(value, at, 'a list')
}

export function record<T>(shape: Shape<T>): Shape<Record<string, T>> {
  return (value, at) =>
    Object.fromEntries(Object.entries(object(value, at)).map(([name, one]) => [name, shape(one, below(at, name))]))
}

/** @param optional may be missing */
export function fields<Required extends object, Optional extends object = object>(
  required: { readonly [Name in keyof Required]: Shape<Required[Name]> },
  optional?: { readonly [Name in keyof Optional]: Shape<Optional[Name]> },
): Shape<Required & Partial<Optional>> {
  const must = Object.entries<Shape<unknown>>(required)
  const may = Object.entries<Shape<unknown>>(optional ?? {})
  return (value, at) => {
    const given = object(value, at)
    const found: Record<string, unknown> = {}
    for (const [name, shape] of must) found[name] = shape(given[name], below(at, name))
    for (const [name, shape] of may) if (given[name] !== undefined) found[name] = shape(given[name], below(at, name))
    return found as Required & Partial<Optional>
  }
}

function object(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>
  return refuse(value, at, 'an object')
}

function below(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}

function refuse(value: unknown, at: string, expected: string): never {
  const found = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value).slice(0, 60)
  throw new TypeError(`${at === '' ? '' : `${at}: `}${expected} is expected, not ${found}`)
}

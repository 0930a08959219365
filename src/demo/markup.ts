/** Writes elements the way the dumps do. */
import type { Shape } from './world.ts'

export interface Markup {
  /** Text content. */
  readonly text: (value: string) => string
  /** Attribute value, without the quotes. */
  readonly attribute: (value: string) => string
  /** `<name>value</name>` of a value that is there; of an empty one nothing, or `<name/>` in the shape of 2020. */
  readonly optional: (name: string, value: string) => string
  /** `<name>…</name>` around children; without any nothing, or `<name/>` in the shape of 2020. */
  readonly container: (name: string, children: string) => string
  readonly shape: Shape
}

const special = /[&<>"\r]/
const specials = /[&<>"\r]/g
const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' }

/** In element content a quotation mark stands as it is. */
function textOf(value: string): string {
  return special.test(value)
    ? value.replaceAll(specials, (found) => (found === '"' ? found : (references[found] ?? found)))
    : value
}

function attributeOf(value: string): string {
  return special.test(value) ? value.replaceAll(specials, (found) => references[found] ?? found) : value
}

/** The dumps of 2020 were ASCII. */
function toAscii(escaped: string): string {
  return escaped.replaceAll(/[^\0-\x7f]/gu, (character) => `&#${character.codePointAt(0)};`)
}

export function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`
}

const today: Markup = {
  shape: 'today',
  text: textOf,
  attribute: attributeOf,
  optional: (name, value) => (value === '' ? '' : element(name, textOf(value))),
  container: (name, children) => (children === '' ? '' : element(name, children)),
}

const of2020: Markup = {
  shape: '2020',
  text: (value) => toAscii(textOf(value)),
  attribute: (value) => toAscii(attributeOf(value)),
  optional: (name, value) => (value === '' ? `<${name}/>` : element(name, toAscii(textOf(value)))),
  container: (name, children) => (children === '' ? `<${name}/>` : element(name, children)),
}

export function markupOf(shape: Shape): Markup {
  return shape === '2020' ? of2020 : today
}

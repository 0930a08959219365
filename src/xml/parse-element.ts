import { isUtf8 } from 'node:buffer'
import { createRequire } from 'node:module'
import type * as Sax from 'sax'
import type { Element } from './element.ts'
import { XmlError } from './xml-error.ts'

/** What sax has and its type declarations lack. */
interface SaxModule {
  MAX_BUFFER_LENGTH: number
  parser(strict: boolean, options: Sax.SAXOptions & { readonly strictEntities: boolean }): Sax.SAXParser
}

const sax = createRequire(import.meta.url)('sax') as SaxModule
// Values of any length are legal; the module's own limit would split or refuse them.
sax.MAX_BUFFER_LENGTH = Number.POSITIVE_INFINITY

/** An element while it is being read. */
interface OpenElement extends Element {
  readonly attributes: Map<string, string>
  readonly children: OpenElement[]
  text: string
}

/**
 * Reads one record with sax: the reference that every faster engine must agree with.
 * @param bytes one whole element, its markup already checked by the splitter
 * @throws XmlError with the offset inside `bytes`
 */
export function parseElement(bytes: Buffer): Element {
  if (!isUtf8(bytes)) throw new XmlError('not UTF-8', firstMalformed(bytes))
  const parser = sax.parser(true, { trim: false, normalize: false, strictEntities: true })
  const open: OpenElement[] = []
  let root: OpenElement | null = null
  let order = 0
  parser.onerror = (error) => {
    throw new XmlError(error.message.split('\n', 1)[0] ?? 'malformed', 0)
  }
  parser.onopentag = (tag) => {
    const element: OpenElement = {
      name: tag.name,
      order: order++,
      attributes: attributesOf(tag.attributes),
      children: [],
      text: '',
    }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  }
  parser.onclosetag = () => {
    open.pop()
  }
  const append = (text: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += text
  }
  parser.ontext = append
  parser.oncdata = append
  parser.write(normalizeLineEnds(bytes.toString('utf8'))).close()
  if (root === null) throw new XmlError('no element', 0)
  return root
}

function attributesOf(attributes: Readonly<Record<string, string | Sax.QualifiedAttribute>>): Map<string, string> {
  const result = new Map<string, string>()
  for (const [name, value] of Object.entries(attributes)) result.set(name, typeof value === 'string' ? value : value.value)
  return result
}

/** XML 1.0, §2.11: a raw CR LF or CR is LF. References such as `&#13;` are untouched here and stay what they say. */
function normalizeLineEnds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

/** Offset of the first byte that cannot be UTF-8, by halving: prefixes are cut at character starts. */
function firstMalformed(bytes: Buffer): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  let offset = 0
  for (const character of text) {
    const length = Buffer.byteLength(character)
    if (character === '\ufffd' && bytes.compare(replacement, 0, 3, offset, offset + 3) !== 0) return offset
    offset += length
  }
  return offset
}

const replacement = Buffer.from('\ufffd')

/** Reads a generated dump with sax: which paths it has, and which values stand there. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import sax from 'sax'

/** Values by path from the root: texts of elements without white space around, values of attributes (`a/b/@c`). */
export type PathValues = ReadonlyMap<string, readonly string[]>

/** @throws when the file is not well-formed XML in whole gzip members */
export function pathValues(file: string): PathValues {
  const values = new Map<string, string[]>()
  const open: { readonly path: string; text: string }[] = []
  const add = (path: string, value: string): void => {
    const known = values.get(path)
    if (known === undefined) values.set(path, [value])
    else known.push(value)
  }
  Object.assign(parser(), {
    onopentag: ({ name, attributes }: sax.Tag) => {
      const path = open.length === 0 ? name : `${open.at(-1)?.path}/${name}`
      open.push({ path, text: '' })
      for (const [attribute, value] of Object.entries(attributes)) add(`${path}/@${attribute}`, value)
    },
    ontext: (text: string) => {
      const element = open.at(-1)
      if (element !== undefined) element.text += text
    },
    onclosetag: () => {
      const element = open.pop()
      if (element !== undefined) add(element.path, element.text.trim())
    },
    onerror: (error: Error) => {
      throw error
    },
  })
    .write(gunzipSync(readFileSync(file)).toString())
    .close()
  return values
}

function parser(): sax.SAXParser {
  // The type declarations lack it: sax would read entities of HTML too.
  const strict: sax.SAXOptions & { readonly strictEntities: boolean } = { strictEntities: true }
  return sax.parser(true, strict)
}

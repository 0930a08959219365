/**
 * Makes a big dump of real text from a small one: copies of its records, each with ids of its own and its letters
 * permuted, so that text does not repeat and flatter the dictionaries.
 *
 *     npm run bench -- amplify <dump.xml.gz> <out.xml.gz> <megabytes of XML>
 */
import { createWriteStream, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { createGzip, gunzipSync } from 'node:zlib'

/** Offset that keeps the ids of one copy apart from those of the others. */
const idStep = 100_000_000

const alphabet = 'abcdefghijklmnopqrstuvwxyz'

/** A permutation of the alphabet, a different one for each copy. */
function permutation(copy: number): string {
  const letters = Array.from(alphabet)
  let state = (copy * 2_654_435_761 + 1) >>> 0
  for (let i = letters.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const j = state % (i + 1)
    ;[letters[i], letters[j]] = [letters[j] ?? '', letters[i] ?? '']
  }
  return letters.join('')
}

function permute(text: string, letters: string): string {
  return text.replace(/&[^;]*;|[a-zA-Z]/g, (found) => {
    if (found.length > 1) return found
    const code = found.charCodeAt(0)
    return code < 97 ? (letters[code - 65] ?? '').toUpperCase() : (letters[code - 97] ?? '')
  })
}

/** One copy of the records: ids moved, letters of texts and attribute values permuted. */
function copyOf(records: string, copy: number): string {
  if (copy === 0) return records
  const letters = permutation(copy)
  const moved = (digits: string): string => (digits === '0' ? '0' : String(Number(digits) + copy * idStep))
  return records.replace(/<[^>"]*(?:"[^"]*"[^>"]*)*>[^<]*/g, (markup) => {
    const end = markup.lastIndexOf('>') + 1
    const tag = markup
      .slice(0, end)
      .replace(/(\s)([a-z0-9_]+)="([^"]*)"/g, (whole, space: string, name: string, value: string) => {
        if (name === 'id') return `${space}id="${moved(value)}"`
        return name === 'embed' || name === 'is_main_release' ? whole : `${space}${name}="${permute(value, letters)}"`
      })
    const text = markup.slice(end)
    const isId = /^<(id|master_id|main_release)[\s>]/.test(tag) && /^\d+$/.test(text)
    return tag + (isId ? moved(text) : permute(text, letters))
  })
}

/** Writes a dump of about `megabytes` of XML; the same input gives the same bytes. */
export async function amplify(source: string, target: string, megabytes: number): Promise<number> {
  const xml = gunzipSync(readFileSync(source)).toString()
  const start = xml.indexOf('>', xml.search(/<[a-z]+s>/)) + 1
  const end = xml.lastIndexOf('</')
  const records = xml.slice(start, end)
  const gzip = createGzip({ level: 6 })
  const output = gzip.pipe(createWriteStream(target))
  let bytes = Buffer.byteLength(xml)
  gzip.write(xml.slice(0, start))
  for (let copy = 0; bytes < megabytes * 1e6; copy++) {
    const text = Buffer.from(copyOf(records, copy))
    bytes += text.length
    if (!gzip.write(text)) await once(gzip, 'drain')
  }
  gzip.end(xml.slice(end))
  await finished(output)
  return bytes
}

if (import.meta.main) {
  const [source = '', target = '', megabytes = '400'] = process.argv.slice(2)
  console.log(`${await amplify(source, target, Number(megabytes))} bytes of XML in ${target}`)
}

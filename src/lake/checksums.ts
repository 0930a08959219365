/** `discogs_YYYYMMDD_CHECKSUM.txt`: `<sha256> <name>` lines. */
import { PipelineError } from '../errors.ts'

/**
 * The hashes of a checksum file by file name, in lower case. Line ends may be CRLF, hashes upper case, names marked as binary (`*`, as
 * sha256sum(1) writes) or led by `./`. Lines of another shape and names we do not know stay out of the way.
 * @throws PipelineError when no line has the shape, or two lines contradict each other
 */
export function parseChecksums(text: string, url: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const match = /^\s*([0-9a-fA-F]{64})\s+\*?(?:\.\/)?(\S+)\s*$/.exec(line)
    if (match?.[1] === undefined || match[2] === undefined) continue
    const [sha256, name] = [match[1].toLowerCase(), match[2]]
    if ((hashes.get(name) ?? sha256) !== sha256) throw new PipelineError(`the checksum file ${url} has two hashes of ${name}`)
    hashes.set(name, sha256)
  }
  if (hashes.size > 0) return hashes
  throw new PipelineError(`the checksum file ${url} holds no "<sha256> <name>" line: it begins with ${excerpt(text)}`, {
    hint: 'the site may be answering with a page of its own: open the URL in a browser',
  })
}

/** The begin of a text on one line, quoted. */
export function excerpt(text: string): string {
  const line = text.replaceAll(/\p{Cc}|\s+/gu, ' ').trim()
  return JSON.stringify(line.length > 100 ? `${line.slice(0, 100)}…` : line)
}

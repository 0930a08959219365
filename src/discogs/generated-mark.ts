/** The mark of generated dumps: a comment before the root element. It survives a copy, a new name and another compression. */

export const generatedMark = '<!-- discogs-lakehouse: generated, not published by Discogs -->'

/** The prolog of a dump is much shorter. */
const prologBytes = 4096

/** Whether XML begins with the mark, by its first bytes. A record that quotes the mark does not count. */
export function hasGeneratedMark(start: Buffer): boolean {
  const [prolog = ''] = /^(?:\s+|<\?[^]*?\?>|<!--[^]*?-->)*/.exec(start.toString('latin1', 0, prologBytes)) ?? []
  return prolog.includes(generatedMark)
}

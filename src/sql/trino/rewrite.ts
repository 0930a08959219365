/** Changes to a statement that remember where everything was, so that errors can name places of the text a person wrote. */

/** `insert` stands for the `length` UTF-16 units from `at`. */
export interface Edit {
  readonly at: number
  readonly length: number
  readonly insert: string
}

/** Both count from 1; columns are code points, as the server counts them. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** @param edits in order, none touching another */
export function rewritten(text: string, edits: readonly Edit[]): string {
  const pieces: string[] = []
  let from = 0
  for (const { at, length, insert } of edits) {
    pieces.push(text.slice(from, at), insert)
    from = at + length
  }
  return `${pieces.join('')}${text.slice(from)}`
}

/** Where a place of the rewritten text is in the original; a place inside an insertion is where that begins. */
export function originalPosition(text: string, edits: readonly Edit[], position: Position): Position {
  const place = offsetOf(rewritten(text, edits), position)
  let shift = 0
  for (const { at, length, insert } of edits) {
    if (place < at + shift) break
    if (place < at + shift + insert.length) return positionOf(text, at)
    shift += insert.length - length
  }
  return positionOf(text, place - shift)
}

function offsetOf(text: string, { line, column }: Position): number {
  const lines = text.split('\n')
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0)
  const characters = Array.from(lines[line - 1] ?? '').slice(0, column - 1)
  return Math.min(text.length, before + characters.join('').length)
}

function positionOf(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split('\n')
  return { line: lines.length, column: Array.from(lines.at(-1) ?? '').length + 1 }
}

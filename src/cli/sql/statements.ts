/** Cuts what is typed into statements: at semicolons outside of quotes and comments. Pure. */

export interface Cut {
  readonly statements: readonly string[]
  /** What no semicolon has ended yet. */
  readonly rest: string
}

/** Quoted text, quoted names, comments; then what ends a statement. An unfinished one runs to the end. */
const piece = /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$)|;|[^'"\-/;]+|[\s\S]/g

export function cutStatements(text: string): Cut {
  const statements: string[] = []
  let rest = ''
  for (const [part] of text.matchAll(piece)) {
    if (part !== ';') rest += part
    else {
      if (!isBlank(rest)) statements.push(rest.trim())
      rest = ''
    }
  }
  return { statements, rest: isBlank(rest) ? '' : rest }
}

/** Nothing but white space and comments. */
function isBlank(text: string): boolean {
  return text.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim() === ''
}

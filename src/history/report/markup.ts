/** HTML that is safe by construction: whatever is put into a template is escaped, unless a template made it. */

export interface Markup {
  readonly html: string
}

type Part = Markup | readonly Markup[] | string | number | null

/** Makes HTML of a template; texts in it are escaped, null is nothing. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { html: texts.map((text, index) => text + partAsHtml(parts[index] ?? null)).join('') }
}

/** Takes HTML (or SVG, CSS) that was made elsewhere as it is. */
export function trusted(text: string): Markup {
  return { html: text }
}

function partAsHtml(part: Part): string {
  if (part === null) return ''
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return 'html' in part ? part.html : part.map(({ html }) => html).join('\n')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Also in attributes. */
export function escaped(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Text as HTML may hold it: on one line, well-formed, no control characters. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\t-\r ]+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '�')
}

import { html, type Markup } from './markup.ts'

export interface TableColumn {
  readonly heading: string
  /** Numbers stand at the right. */
  readonly isNumber?: boolean
  readonly className?: string
}

export interface TableOptions {
  readonly caption: string
  readonly columns: readonly TableColumn[]
  /** The first cell of a row is its heading. */
  readonly rows: readonly (readonly (Markup | string)[])[]
}

/** A table that scrolls by itself where it is too wide, also with the keyboard. */
export function table({ caption, columns, rows }: TableOptions): Markup {
  const classOf = (index: number): string => columns[index]?.className ?? (columns[index]?.isNumber === true ? 'n' : '')
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${columns.map(({ heading }, index) => html`<th scope="col" class="${classOf(index)}">${heading}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, index) =>
        index === 0
          ? html`<th scope="row" class="${classOf(index)}">${isolated(cell)}</th>`
          : html`<td class="${classOf(index)}">${isolated(cell)}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`
}

/** Text from the data must not turn the direction of what stands beside it. */
export function isolated(cell: Markup | string): Markup {
  return typeof cell === 'string' ? html`<bdi>${cell}</bdi>` : cell
}

/** The numbers of a chart, folded away. */
export function numbersOf(options: TableOptions): Markup {
  return html`<details><summary>Numbers</summary>${table(options)}</details>`
}

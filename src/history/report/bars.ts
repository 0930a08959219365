/** Horizontal bars, each with its label above it, so that long names have room on a phone too. */
import { html, type Markup, printable } from './markup.ts'

export interface Bar {
  readonly label: string
  readonly value: number
  /** Stands at the end of the bar. */
  readonly shown: string
  /** Shown while the pointer rests on the bar. */
  readonly hint: string
  /** Stands for all that have no bar of their own: it has no bar either, since it would dwarf the others. */
  readonly isRest?: boolean
}

const width = 320
const rowHeight = 34
const barHeight = 7
/** From the top of a row to the baseline of its texts, and to its bar. */
const baseline = 14
const barTop = 20
const mostCells = 34

/** @param colour a CSS variable */
export function barList(bars: readonly Bar[], { title, colour }: { readonly title: string; readonly colour: string }): Markup {
  const most = Math.max(1, ...bars.flatMap(({ value, isRest }) => (isRest === true ? [] : [value])))
  const height = bars.length * rowHeight
  return html`<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img"><title>${title}</title>${bars.map(
    (bar, index) => row(bar, { top: index * rowHeight, length: (Math.max(0, bar.value) / most) * width, colour }),
  )}</svg>`
}

interface Place {
  readonly top: number
  /** Of the bar, in pixels. */
  readonly length: number
  readonly colour: string
}

function row({ label, shown, hint, isRest }: Bar, { top, length, colour }: Place): Markup {
  const strip = (size: number, fill: string): Markup =>
    html`<rect x="0" y="${top + barTop}" width="${rounded(size)}" height="${barHeight}" rx="3.5" fill="${fill}"></rect>`
  const text = (content: string, x: number, anchor: string, fill: string): Markup =>
    html`<text x="${x}" y="${top + baseline}" text-anchor="${anchor}" font-size="12.5" fill="${fill}">${content}</text>`
  return html`<g class="row"><title>${hint}</title><rect class="back" x="0" y="${top}" width="${width}" height="${rowHeight}"></rect>${
    isRest === true ? null : html`${strip(width, 'var(--track)')}${strip(length, colour)}`
  }${text(shortened(label), 0, 'start', isRest === true ? 'var(--muted)' : 'var(--ink)')}${text(shown, width, 'end', 'var(--muted)')}</g>`
}

function rounded(pixels: number): string {
  return String(Math.round(pixels * 10) / 10)
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const wide = /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{Extended_Pictographic}]/u

/** Cuts a label where the value beside it begins. East Asian characters take two cells. */
export function shortened(label: string): string {
  const characters = [...segmenter.segment(printable(label))].map(({ segment }) => segment)
  let cells = 0
  for (const [index, character] of characters.entries()) {
    cells += wide.test(character) ? 2 : 1
    if (cells > mostCells) return `${characters.slice(0, index - 1).join('')}…`
  }
  return characters.join('')
}

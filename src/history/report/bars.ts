/** Horizontal bars, each with its label above it, so that long names have room on a phone too. */
import { draw } from './drawing.ts'
import { type Markup, printable } from './markup.ts'

export interface Bar {
  readonly label: string
  readonly value: number
  /** What stands at its end. */
  readonly shown: string
  /** Stands for all that have no bar of their own. */
  readonly isRest?: boolean
}

const width = 320
const rowHeight = 34
const mostCells = 34

/** @param colour a CSS variable */
export function barList(bars: readonly Bar[], { title, colour }: { readonly title: string; readonly colour: string }): Markup {
  const values = bars.map(({ label, value, shown, isRest }, index) => ({
    index,
    label: shortened(label),
    value,
    shown,
    fill: isRest === true ? 'var(--rest)' : colour,
  }))
  const domain = [0, Math.max(1, ...bars.map(({ value }) => value))]
  const canvas = { title, width, height: bars.length * rowHeight, padding: { left: 0, right: 0, top: 0, bottom: 0 } }
  return draw(canvas, {
    data: { values },
    encoding: { y: { field: 'index', type: 'ordinal', axis: null, scale: { paddingInner: 0, paddingOuter: 0 } } },
    layer: [
      bar({ value: 'var(--track)' }, { value: width }),
      bar(
        { field: 'fill', type: 'nominal', scale: null },
        { field: 'value', type: 'quantitative', stack: null, axis: null, scale: { domain } },
      ),
      text('label', { align: 'left', x: 0, color: 'var(--ink)' }),
      text('shown', { align: 'right', x: width, color: 'var(--muted)' }),
    ],
  })
}

function bar(color: object, x: object): object {
  return { mark: { type: 'bar', height: 7, yOffset: 6.5, cornerRadius: 3.5 }, encoding: { x, x2: { value: 0 }, color } }
}

function text(
  field: string,
  { align, x, color }: { readonly align: string; readonly x: number; readonly color: string },
): object {
  return {
    mark: { type: 'text', align, baseline: 'alphabetic', yOffset: -3, fontSize: 12.5, color },
    encoding: { x: { value: x }, text: { field, type: 'nominal' } },
  }
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

/** Draws charts as SVG with Vega, without a browser. Sizes, ticks and texts depend on the data alone. */
import type * as Vega from 'vega'
import type * as VegaLite from 'vega-lite'
import { escaped, html, type Markup, trusted } from './markup.ts'

/** Pixels around the axes; texts lie in it. */
export interface Padding {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

export interface Canvas {
  /** Says what the drawing shows, for those who cannot see it. */
  readonly title: string
  /** Pixels with the padding. The page scales drawings by little, so that their texts stay as large as its own. */
  readonly width: number
  readonly height: number
  readonly padding: Padding
}

/** A part of a drawing that shows a text while the pointer is over it. */
export interface Spot {
  /** Its left edge and its width, in pixels of the whole drawing. It is as high as the plot. */
  readonly x: number
  readonly width: number
  readonly text: string
}

/** `View.toSVG` draws with it too, but only answers later; Vega's types leave it out. */
interface StringRenderer {
  initialize(element: null, width: number, height: number, origin: readonly [number, number]): void
  render(scene: object): void
  svg(): string
}

// Each library as one file, as they are published for browsers: they leave globals. A hundred modules take five times as long to load.
await import(import.meta.resolve('vega').replace(/[^/]*$/, 'vega.min.js'))
await import(import.meta.resolve('vega-lite').replace(/[^/]*$/, 'vega-lite.min.js'))
const { vega, vegaLite } = globalThis as unknown as {
  readonly vega: typeof Vega & { readonly SVGStringRenderer: new () => StringRenderer }
  readonly vegaLite: typeof VegaLite
}

/** Lays a Vega-Lite specification out at a fixed size and draws it. Colours may be CSS variables of the page. */
export function draw({ title, width, height, padding }: Canvas, spec: object, spots: readonly Spot[] = []): Markup {
  const whole = {
    ...spec,
    width: width - padding.left - padding.right,
    height: height - padding.top - padding.bottom,
    padding,
    autosize: 'none',
    background: null,
    config: { aria: false, view: { stroke: null }, font: 'inherit' },
  } as unknown as VegaLite.TopLevelSpec
  const view = new vega.View(vega.parse(vegaLite.compile(whole).spec), { renderer: 'none' })
  try {
    view.run()
    const renderer = new vega.SVGStringRenderer()
    renderer.initialize(null, width, height, [padding.left, padding.top])
    renderer.render((view.scenegraph() as unknown as { readonly root: object }).root)
    const drawn = labelled(renderer.svg(), title)
    const hidden = spots.map((spot) => shownOnHover(spot, { width, top: padding.top, bottom: height - padding.bottom }))
    return trusted(drawn.replace(/<\/svg>$/, () => `${hidden.map((part) => part.html).join('')}</svg>`))
  } finally {
    view.finalize()
  }
}

/** The text stands above the plot at the right. */
function shownOnHover(
  { x, width, text }: Spot,
  plot: { readonly width: number; readonly top: number; readonly bottom: number },
): Markup {
  const tenth = (pixels: number): string => String(Math.round(pixels * 10) / 10)
  return html`<g class="spot"><rect x="${tenth(x)}" y="${plot.top}" width="${tenth(width)}" height="${plot.bottom - plot.top}"></rect><text x="${plot.width - 2}" y="11" text-anchor="end" font-size="11.5">${text}</text></g>`
}

/** Tells screen readers what the drawing is; leaves out what browsers do not need. */
function labelled(svg: string, title: string): string {
  return svg
    .replaceAll(/ (?:role|aria-roledescription|aria-hidden|xmlns|xmlns:xlink|version|class|pointer-events)="[^"]*"/g, '')
    .replaceAll(/<path d=""[^>]*\/>|<path d="M0,0h0v0h0Z"[^>]*\/>/g, '')
    .replace(/^<svg([^>]*)>/, (_, attributes: string) => `<svg${attributes} role="img"><title>${escaped(title)}</title>`)
}

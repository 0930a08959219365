/** What several sections are made of. */
import type { Bar } from '../bars.ts'
import type { MonthlyValue } from '../charts.ts'
import { html, type Markup } from '../markup.ts'
import { whole } from '../numbers.ts'

export function figure(title: string, chart: Markup, numbers: Markup): Markup {
  return html`<figure class="card"><h3>${title}</h3>${chart}${numbers}</figure>`
}

export function unmeasured(title: string): Markup {
  return html`<div class="card"><h3>${title}</h3><p class="sub">Not measured.</p></div>`
}

export function barOf(label: string, value: bigint, shown: string): Bar {
  return { label, value: Number(value), shown, hint: `${label}: ${whole(value)}` }
}

export function described(title: string, bars: readonly Bar[]): string {
  return `${title}: ${bars.map(({ label, shown }) => `${label} ${shown}`).join(', ')}`
}

export function asNumber({ month, value }: { readonly month: string; readonly value: bigint | null }): MonthlyValue {
  return { month, value: value === null ? null : Number(value) }
}

export function capitalised(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`
}

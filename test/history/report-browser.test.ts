/** The report in headless Chromium: nothing on the console, no request, no sideways scrolling, readable colours. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { z } from 'zod'
import { type ReportInput, renderReport } from '../../src/history/report.ts'
import { launchChromium, skipBrowser } from '../support/chromium.ts'
import { historyOf, hostile, irregularHistory, runOf } from './report-input.ts'

const directory = mkdtempSync(join(tmpdir(), 'history-report-'))
after(() => rmSync(directory, { recursive: true }))

const histories: Readonly<Record<string, ReportInput>> = {
  'no run': { generatedAt: '2026-04-21', runs: [], kpis: [], growth: [] },
  'one run': historyOf(1),
  'two months': historyOf(2),
  'four months': historyOf(4),
  'a year and an invalid run': {
    ...historyOf(14),
    runs: [...historyOf(14).runs, runOf(-20, { state: 'invalid', reason: `${hostile.script} ${'x'.repeat(300)}` })],
  },
  'sixty runs': historyOf(60),
  'years apart': irregularHistory(),
}

/** What the page says of itself. */
const pageShape = z.object({
  scrollWidth: z.number(),
  /** Texts that reach out of their drawing. */
  cut: z.array(z.string()),
  /** Texts of a drawing that lie on one another. */
  overlapping: z.array(z.string()),
  /** Texts whose contrast with what is behind them is below that of WCAG AA. */
  pale: z.array(z.string()),
  scripts: z.number(),
})

/** Families of this machine, which the page is also tried with: browsers of other machines choose other ones. */
function installedFonts(): readonly string[] {
  const { stdout } = spawnSync('fc-list', ['--format', '%{family[0]}\n'], { encoding: 'utf8' })
  return [...new Set((stdout ?? '').split('\n').filter((family) => family !== ''))].toSorted()
}

/** Runs in the page, which therefore gets it as a text. */
const look = `(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const luminance = (colour) => parse(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0)
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor
      if (parse(colour)[3] !== 0) return colour
    }
    return 'rgb(255, 255, 255)'
  }
  const contrast = (left, right) => {
    const [low, high] = [luminance(left), luminance(right)].toSorted((a, b) => a - b)
    return (high + 0.05) / (low + 0.05)
  }
  const isPale = (element) => {
    const style = getComputedStyle(element)
    return contrast(element instanceof SVGElement ? style.fill : style.color, behind(element)) < 4.5
  }
  const withText = [...document.body.querySelectorAll('*')].filter((element) =>
    element.tagName !== 'title' && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
  // A letter such as J may reach a little beyond its place.
  const isCut = (text) => {
    const [inner, outer] = [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect()]
    return inner.left < outer.left - 2 || inner.right > outer.right + 2
  }
  const lieOnOneAnother = (one, other) => {
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()]
    return a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
  }
  const overlappingIn = (texts) => texts.flatMap((one, index) => texts.slice(index + 1)
    .filter((other) => lieOnOneAnother(one, other)).map((other) => one.textContent + ' and ' + other.textContent))
  return {
    overlapping: [...document.querySelectorAll('svg')].flatMap((svg) => overlappingIn([...svg.querySelectorAll('text')])),
    scrollWidth: document.documentElement.scrollWidth,
    cut: [...document.querySelectorAll('svg text')].filter((text) => text.checkVisibility() && isCut(text)).map((text) => text.textContent),
    pale: withText.filter(isPale).map((element) => element.textContent.slice(0, 60)),
    scripts: document.querySelectorAll('script').length,
  }
})()`

describe('the report in a browser', { skip: skipBrowser }, () => {
  let browser: Browser
  before(async () => {
    browser = await launchChromium()
  })
  after(() => browser.close())

  for (const [name, history] of Object.entries(histories)) {
    test(`${name}: quiet, alone, within 320 and 1280 pixels, light and dark`, async () => {
      const file = join(directory, `${name.replaceAll(' ', '-')}.html`)
      writeFileSync(file, renderReport(history))
      for (const width of [320, 1280]) {
        for (const colorScheme of ['light', 'dark'] as const) {
          const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
          const met: string[] = []
          page.on('console', (message) => met.push(message.text()))
          page.on('pageerror', (error) => met.push(error.message))
          page.on('dialog', (dialog) => met.push(dialog.message()))
          page.on('request', (request) => met.push(request.url()))
          await page.goto(pathToFileURL(file).href)
          const found = pageShape.parse(await page.evaluate(look))
          await page.close()
          assert.deepEqual(met, [pathToFileURL(file).href])
          assert.deepEqual(
            found,
            { scrollWidth: width, cut: [], overlapping: [], pale: [], scripts: 0 },
            `${width} ${colorScheme}`,
          )
        }
      }
    })
  }

  test('every installed font fits: no text of a drawing is cut or lies on another', async () => {
    const page = await browser.newPage({ viewport: { width: 320, height: 900 } })
    // With the longest tick labels, and with those of many months.
    await page.setContent(`${renderReport(historyOf(2))}${renderReport(historyOf(14))}`)
    const misfits: string[] = []
    for (const font of [...installedFonts().map((family) => JSON.stringify(family)), 'sans-serif', 'serif', 'monospace']) {
      await page.evaluate(`document.body.style.fontFamily = ${JSON.stringify(font)}`)
      const { cut, overlapping } = pageShape.parse(await page.evaluate(look))
      misfits.push(...cut.map((text) => `${font}: ${text} is cut`), ...overlapping.map((texts) => `${font}: ${texts} overlap`))
    }
    await page.close()
    assert.deepEqual(misfits, [])
  })

  test('the value under the pointer is shown, whole; a table that is cut off has a shade', async () => {
    const file = join(directory, 'hover.html')
    writeFileSync(file, renderReport(irregularHistory()))
    const page = await browser.newPage({ viewport: { width: 375, height: 900 } })
    await page.goto(pathToFileURL(file).href)
    for (const figure of ['Releases', 'Releases added and removed', 'By decade']) {
      const chart = page.locator('figure', { has: page.locator(`h3:text-is("${figure}")`) }).locator('svg')
      const spots = chart.locator('.spot')
      for (const spot of [spots.first(), spots.last()]) {
        await spot.hover()
        const text = spot.locator('text')
        assert.equal(await text.isVisible(), true, figure)
        const [inner, outer] = [await text.boundingBox(), await chart.boundingBox()]
        assert.ok(
          inner !== null && outer !== null && inner.x >= outer.x && inner.x + inner.width <= outer.x + outer.width,
          figure,
        )
      }
    }
    const cut = await page.locator('.scroll').evaluateAll((tables) =>
      (
        tables as unknown as {
          scrollWidth: number
          clientWidth: number
          computedStyleMap: () => { get: (name: string) => unknown }
        }[]
      )
        .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
        .map((one) => String(one.computedStyleMap().get('background-image'))),
    )
    assert.ok(cut.length > 0, 'the table of runs is wider than a phone')
    assert.ok(
      cut.every((background) => background.includes('gradient')),
      cut.join('\n'),
    )
    await page.close()
  })
})

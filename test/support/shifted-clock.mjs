/**
 * Loaded by `--import` into every process of a test: Date is ahead by the milliseconds in the file CLOCK_FILE, read at every look. Timers
 * stay as they are, as those of a machine that was asleep.
 */
import { readFileSync } from 'node:fs'

const file = process.env['CLOCK_FILE']
const RealDate = Date
const offset = () => Number(readFileSync(file, 'utf8'))

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offset())
    else super(...args)
  }

  static now() {
    return RealDate.now() + offset()
  }
}

/** Writes `args[1]` MiB: to its log (`args[0]` = log, one endless line), or to its result file (line: one line; lines: progress). */
import { closeSync, openSync, writeSync } from 'node:fs'

const [, , where = 'log', size = '1'] = process.argv
const resultFile = process.env['RESULT_FILE'] ?? ''
const fd = where === 'log' ? 1 : openSync(resultFile, 'a')
const line = `${JSON.stringify({ progress: { done: 1, total: 2, unit: 'steps', message: 'x'.repeat(900) } })}\n`
const piece = where === 'lines' ? line.repeat(Math.ceil(2 ** 20 / line.length)) : 'x'.repeat(2 ** 20)
for (let left = Number(size); left > 0; left -= 1) writeSync(fd, piece)
if (where !== 'log') closeSync(fd)
const report = openSync(resultFile, 'a')
writeSync(report, '{"result":{}}\n')
closeSync(report)

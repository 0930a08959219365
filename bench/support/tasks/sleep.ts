/** Sleeps 10 ms, and tells it is done to whoever asks. With `args[0]`, a file: appends its name there. */
import { appendFileSync } from 'node:fs'

const [, , tally] = process.argv
const { RESULT_FILE, TASK_ID } = process.env
setTimeout(() => {
  if (tally !== undefined) appendFileSync(tally, `${TASK_ID}\n`)
  if (RESULT_FILE !== undefined) appendFileSync(RESULT_FILE, '{"result":{}}\n')
}, 10)

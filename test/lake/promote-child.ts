/**
 * Moves a pointer as a process of its own: `<lake> <state|none> <run ids> [<step> kill|hold|fail]...`. `rollback` in place of run ids goes back.
 * With several run ids, separated by commas, it promotes each in turn. It prints one line a move.
 */
import { PipelineError } from '../../src/errors.ts'
import { promoteRun, rollback } from '../../src/lake/promotion.ts'
import { lakeLedger } from '../../src/lake/lake-ledger.ts'
import { openLedger } from '../../src/scheduler/promotions.ts'

const [lakeDir = '', stateDir = '', what = '', ...faults] = process.argv.slice(2)

function reached(name: string): void {
  const at = faults.indexOf(name)
  if (at < 0) return
  const action = faults[at + 1]
  if (action === 'fail') throw new PipelineError('disk full')
  if (action === 'kill') process.kill(process.pid, 'SIGKILL')
  process.stdout.write('held\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

const now = (): Date => new Date()
const ledger = stateDir === 'none' ? lakeLedger(lakeDir, { verdictOn: () => 'sound', now }) : openLedger(stateDir)

try {
  const request = { lakeDir, ledger, who: 'child@test', reason: 'test', now, reached }
  if (what === 'rollback') process.stdout.write(`${rollback(request).note}\n`)
  else for (const runId of what.split(',')) process.stdout.write(`${promoteRun({ ...request, runId }).note}\n`)
} catch (error) {
  if (!(error instanceof PipelineError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = error.exitCode
}

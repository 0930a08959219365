import type { Dag } from '../../src/scheduler/dag.ts'
import { lab } from './harness.ts'

/** Dags that the driver process can run. */
const dags: Readonly<Record<string, Dag>> = {
  long: lab(({ task }) => {
    const first = task('first', { script: 'quick' })
    const patient = task('patient', { script: 'patient', args: ['2'], upstream: [first] })
    task('last', { script: 'quick', upstream: [patient] })
  }),
  gated: lab(({ task }) => {
    const gate = task('gate', { script: 'gated', args: ['helper'], retries: 1, retryDelayMs: 10 })
    task('after', { script: 'quick', upstream: [gate] })
  }),
  chaos: lab(({ task, check, promote }) => {
    const patience = { retries: 2, retryDelayMs: 20 }
    const first = task('first', { script: 'gated', args: ['helper'], ...patience })
    const pair = ['left', 'right'].map((id) => task(id, { script: 'gated', args: ['helper'], upstream: [first], ...patience }))
    const sure = check('sure', { script: 'verify', upstream: pair, ...patience })
    const published = promote('publish', { upstream: [sure], ...patience })
    task('last', { script: 'gated', args: ['helper'], upstream: [published], ...patience })
  }),
  stubborn: lab(({ task }) => {
    task('stubborn', { script: 'stubborn' })
  }),
  publishing: lab(({ check, promote }) => {
    promote('publish', { upstream: [check('verified', { script: 'verify' })] })
  }),
}

export function dagNamed(name: string | undefined): Dag {
  const dag = dags[name ?? '']
  if (dag === undefined) throw new Error(`there is no dag ${name}`)
  return dag
}

import { z } from 'zod'
import { defineDag } from '../src/scheduler/dag.ts'

const about = 'What changed, month by month: registry, KPIs, growth and reports of every snapshot. Never moves data.'

const schema = z.strictObject({
  rebuild: z.stringbool('expected true or false').default(false).describe('measure every snapshot again and append it'),
})
const params = () => schema

/** Reads sealed snapshots and nothing of main's: what it writes is only ever added. */
export default defineDag('history', { about, schedule: '0 18 20 * *', params, runPrefix: () => 'history' }, ({ task, check }) => {
  const at = (name: string): { readonly script: string } => ({ script: `history-${name}` })
  const discover = task('discover', at('discover'))
  const register = task('register', { ...at('register'), upstream: [discover] })
  // Looks for itself: what it records is what is there then.
  const registry = task('registry', at('registry'))
  const checked = check('check.registry', { ...at('check-registry'), upstream: [registry] })
  const kpis = task('kpis', { ...at('kpis'), upstream: [register, checked] })
  const growth = task('growth', { ...at('growth'), upstream: [kpis] })
  task('exports', { ...at('exports'), upstream: [growth] })
  task('report', { ...at('report'), upstream: [growth] })
})

/** Seals a run as a process of its own: `<lake> <run id> <step>`, killed there. */
import { sealRun } from '../../src/lake/seal.ts'
import { parts } from './lake-lab.ts'

const [lakeDir = '', runId = '', step] = process.argv.slice(2)
const reached = (name: string): void => {
  if (name === step) process.kill(process.pid, 'SIGKILL')
}
await sealRun(lakeDir, runId, parts, { reached })

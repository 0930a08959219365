import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { retryRun } from '../../scheduler/loop.ts'
import { execute } from '../execute.ts'
import { printOutcome } from '../outcome.ts'
import { readStore, runIdOf } from '../runs.ts'

/** `dag retry <run>` */
export function retryCommand(): Command {
  return new Command('retry')
    .description('resumes a run that failed or was stopped: what succeeded is kept, the rest runs again')
    .argument('<run>', 'run id, or latest')
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', '\nExample:\n  dag retry 2026-04__20260420_060000')
    .action(async (given: string, { json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      const runId = runIdHere(given)
      const { outcome, exitCode } = await execute({ config, json }, (settings) => retryRun(runId, { config, ...settings }))
      printOutcome(config, outcome, json)
      process.exitCode = exitCode
    })
}

function runIdHere(given: string): string {
  using store = readStore(loadConfig())
  return runIdOf(store, given)
}

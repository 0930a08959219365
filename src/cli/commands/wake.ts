import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { wakeScheduler } from '../../scheduler/requests.ts'
import { openStore } from '../../scheduler/store.ts'
import { print, printJson } from '../output.ts'
import { whoami } from '../pointer.ts'
import { runIdOf, taskOf } from '../runs.ts'
import { examples } from './options.ts'

/** `dag wake <run> [task]` */
export function wakeCommand(): Command {
  return new Command('wake')
    .description('Let a deferred run look again now')
    .argument('<run>', 'run id, or latest')
    .argument('[task]', 'default: every deferred task of the run')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Whoever runs the run continues it: its scheduler, the command that waits for it, or \`dag schedule\` within a minute. \`dag retry\` continues a
deferred run in this terminal.
${examples('dag wake latest', 'dag wake 2026-04__20260420_060000 preflight')}`,
    )
    .action((given: string, taskId: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const { stateDir } = loadConfig()
      using store = openStore(stateDir)
      const runId = runIdOf(store, given)
      if (taskId !== undefined) taskOf(store, runId, taskId)
      const tasks = store.change.wakeDeferred(store.run(runId), taskId ?? null, whoami())
      if (tasks.length === 0) {
        throw new PipelineError(`${taskId === undefined ? `run ${runId}` : `task ${taskId} of run ${runId}`} is not deferred`, {
          exitCode: exitCodes.conflict,
          retryable: false,
          hint: `\`dag status ${runId}\` shows what it does`,
        })
      }
      wakeScheduler(stateDir)
      if (json) printJson({ runId, tasks })
      else print(`run ${runId} looks again now: ${tasks.join(', ')}`)
    })
}

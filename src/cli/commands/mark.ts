import { Argument, Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { markOf } from '../../scheduler/mark.ts'
import { openStore } from '../../scheduler/store.ts'
import { print, printJson } from '../output.ts'
import { whoami } from '../pointer.ts'
import { runIdOf, taskOf } from '../runs.ts'
import { examples } from './options.ts'

interface Options {
  readonly reason: string
  readonly json?: boolean
}

/** `dag mark <run> <task> <state>` */
export function markCommand(): Command {
  return new Command('mark')
    .description('says of a task that has ended that it succeeded or failed after all; checks and promotions cannot be marked')
    .argument('<run>', 'run id, or latest')
    .argument('<task>')
    .addArgument(new Argument('<state>').choices(['success', 'failed']))
    .requiredOption('--reason <text>', 'kept with who and when in the event log')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
\`dag retry\` then goes on from there: what is marked as success is kept, what is marked as failed runs again.
${examples('dag mark latest download success --reason "fetched by hand"')}`,
    )
    .action((given: string, taskId: string, to: 'success' | 'failed', { reason, json = false }: Options) => {
      using store = openStore(loadConfig().stateDir)
      const runId = runIdOf(store, given)
      const task = taskOf(store, runId, taskId)
      const mark = markOf(store.run(runId), store.tasks(runId), task, { to, reason: `marked ${to} by ${whoami()}: ${reason}` })
      store.marks.mark(task, mark)
      if (json) printJson({ runId, taskId, from: mark.from, to, run: mark.run.to })
      else print(`task ${taskId} is now ${to}, it was ${mark.from}; run ${runId} is ${mark.run.to}`)
    })
}

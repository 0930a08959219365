import { existsSync } from 'node:fs'
import { Argument, Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { runDir } from '../../lake/layout.ts'
import { lakeOf } from '../../scheduler/binding.ts'
import { markOf } from '../../scheduler/mark.ts'
import { preparesSnapshot } from '../../scheduler/plan-graph.ts'
import { openStore } from '../../scheduler/store.ts'
import { runHelp } from '../latest.ts'
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
    .argument('<run>', runHelp)
    .argument('<task>')
    .addArgument(new Argument('<state>').choices(['success', 'failed']))
    .requiredOption('--reason <text>', 'kept with who and when in the event log')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
\`dag retry\` then keeps the tasks that are marked as success and runs those again that are marked as failed.
Ingest and build tasks of a sealed run cannot be marked as failed: its data never changes.
${examples('dag mark latest download.labels success --reason "fetched by hand"')}`,
    )
    .action((given: string, taskId: string, to: 'success' | 'failed', { reason, json = false }: Options) => {
      const config = loadConfig()
      using store = openStore(config.stateDir)
      const runId = runIdOf(store, given)
      const task = taskOf(store, runId, taskId)
      const isSealed =
        existsSync(runDir(lakeOf(store.run(runId), config), runId)) && preparesSnapshot(store.planOf(runId), taskId)
      const asked = { to, reason: `marked ${to} by ${whoami()}: ${reason}`, isSealed }
      const mark = markOf(store.run(runId), store.tasks(runId), task, asked)
      store.marks.mark(task, mark)
      if (json) printJson({ runId, taskId, from: mark.from, to, run: mark.run.to })
      else print(`task ${taskId} is now ${to}, it was ${mark.from}; run ${runId} is ${mark.run.to}`)
    })
}

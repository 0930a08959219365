import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { explain } from '../../scheduler/explain.ts'
import { schedulerHolder } from '../../scheduler/lease.ts'
import { runHelp } from '../latest.ts'
import { oneLine, print, printJson, shownState } from '../output.ts'
import { readStore, runIdOf, taskOf } from '../runs.ts'
import { examples } from './options.ts'

/** `dag explain <run> <task>` */
export function explainCommand(): Command {
  return new Command('explain')
    .description('says why a task is where it is: what it waits for, or what stopped it')
    .argument('<run>', runHelp)
    .argument('<task>')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag explain latest promote'))
    .action((given: string, taskId: string, { json = false }: { readonly json?: boolean }) => {
      using store = readStore(loadConfig())
      const runId = runIdOf(store, given)
      const { state } = taskOf(store, runId, taskId)
      const reasons = explain(
        {
          run: store.run(runId),
          plan: store.planOf(runId),
          tasks: store.tasks(runId),
          tries: store.tries(runId),
          parallelism: store.attempt(runId).parallelism,
          isLed: schedulerHolder(store)?.isAlive === true,
          now: new Date(),
        },
        taskId,
      )
      if (json) printJson({ runId, taskId, state, reasons })
      else print(`${taskId}  ${shownState(state)}\n${reasons.map((reason) => `  ${oneLine(reason)}`).join('\n')}`)
    })
}

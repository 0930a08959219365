import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { seenTasks } from '../../scheduler/seen-state.ts'
import { runHelp } from '../latest.ts'
import { taskTable } from '../outcome.ts'
import { grouped, print, printJson, table } from '../output.ts'
import { recoverPointerIfPossible } from '../pointer.ts'
import { readStore, runIdOf } from '../runs.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly attempt?: number
  readonly json?: boolean
}

/** `dag tasks <run>` */
export function tasksCommand(): Command {
  return new Command('tasks')
    .description('shows the tasks of a run and the rows they wrote')
    .argument('<run>', runHelp)
    .option('--attempt <number>', 'default: the latest', countOption)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag tasks latest', 'dag tasks latest --attempt 1'))
    .action((given: string, { attempt, json = false }: Options) => {
      const config = loadConfig()
      recoverPointerIfPossible(config)
      using store = readStore(config)
      const runId = runIdOf(store, given)
      const tasks = attempt === undefined ? seenTasks(store, runId) : store.tasks(runId, attempt)
      if (json) {
        printJson(tasks)
        return
      }
      print(taskTable(tasks))
      const rows = tasks.flatMap((task) =>
        Object.entries(task.rows ?? {}).map(([dataset, count]) => [dataset, grouped(count), task.taskId]),
      )
      if (rows.length > 0) print(`\n${table(['!dataset', '>rows', '!written by'], rows)}`)
    })
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { taskTable } from '../execute.ts'
import { grouped, print, printJson, table } from '../output.ts'
import { readStore, runIdOf } from '../runs.ts'

interface Options {
  readonly attempt?: string
  readonly json?: boolean
}

/** `dag tasks <run>` */
export function tasksCommand(): Command {
  return new Command('tasks')
    .description('shows the tasks of a run and the rows they wrote')
    .argument('<run>', 'run id, or latest')
    .option('--attempt <number>', 'default: the latest')
    .option('--json', 'print JSON')
    .action((given: string, { attempt, json = false }: Options) => {
      using store = readStore(loadConfig())
      const runId = runIdOf(store, given)
      const tasks = store.tasks(runId, attempt === undefined ? undefined : Number(attempt))
      if (json) {
        printJson(tasks)
        return
      }
      print(taskTable(tasks))
      const rows = tasks.flatMap((task) =>
        Object.entries(task.rows ?? {}).map(([dataset, count]) => [dataset, grouped(count), task.taskId]),
      )
      if (rows.length > 0) print(`\n${table(['dataset', '>rows', 'written by'], rows)}`)
    })
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { compile } from '../../scheduler/plan.ts'
import { sessionOf } from '../../scheduler/session.ts'
import type { Dag } from '../../scheduler/dag.ts'
import { loadDag } from '../dags.ts'
import { print, printJson, styled, table } from '../output.ts'

/** `dag show <dag>` */
export function showCommand(): Command {
  return new Command('show')
    .description('shows the tasks, edges and params of a dag')
    .argument('<dag>')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dag show main')
    .action(async (name: string, { json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      const dag = await loadDag(config, name)
      const { tasks } = compile(dag, config)
      const params = dag.describeParams(sessionOf(new Date()))
      if (json) {
        printJson({ dag: dag.name, about: dag.about, schedule: dag.schedule, timetable: dag.timetable, params, tasks })
        return
      }
      print(`${styled('bold', dag.name)}  ${dag.about}`)
      print(`schedule  ${shownSchedule(dag)}\n`)
      print(
        table(
          ['task', 'kind', '>retries', 'after'],
          tasks.map((task) => [task.id, task.kind, task.retries, task.upstream.join(', ')]),
        ),
      )
      print(
        `\n${table(
          ['param', 'default', 'meaning'],
          params.map((param) => [param.name, param.standard, param.about]),
        )}`,
      )
    })
}

function shownSchedule({ timetable }: Dag): string {
  if (timetable === null) return 'by hand only'
  return `${timetable.cron}  (${timetable.timeZone}; missed slots: ${timetable.catchUp})`
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { compile, type PlannedTask } from '../../scheduler/plan.ts'
import { sessionOf } from '../../scheduler/session.ts'
import type { Dag } from '../../scheduler/dag.ts'
import { loadDag } from '../dags.ts'
import { type Cell, duration, print, printJson, styled, table } from '../output.ts'

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
        printJson({
          dag: dag.name,
          about: dag.about,
          schedule: dag.schedule,
          timetable: dag.timetable,
          rerun: dag.rerun,
          params,
          tasks,
        })
        return
      }
      print(`${styled('bold', dag.name)}  ${dag.about}`)
      print(`schedule  ${shownSchedule(dag)}`)
      print(`rerun     ${shownRerun(dag)}\n`)
      print(table(['!task', '!kind', '?>retries', '!after'], tasks.flatMap(taskRows)))
      print(
        `\n${table(
          ['!param', '!default', 'meaning'],
          params.map((param) => [param.name, param.standard, param.about]),
        )}`,
      )
    })
}

/** A line for each task above it: names are not cut. */
function taskRows({ id, kind, retries, upstream }: PlannedTask): Cell[][] {
  const [first = '', ...others] = upstream
  return [[id, kind, retries, first], ...others.map((above) => ['', '', '', above])]
}

function shownRerun({ rerun }: Dag): string {
  return rerun === null ? 'none' : `up to ${rerun.times} times, ${duration(rerun.delayMs)} after a failure that may pass`
}

function shownSchedule({ timetable }: Dag): string {
  if (timetable === null) return 'by hand only'
  return `${timetable.cron}  (${timetable.timeZone}; missed slots: ${timetable.catchUp})`
}

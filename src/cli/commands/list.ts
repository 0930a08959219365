import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { dagNames, loadDag } from '../dags.ts'
import { print, printJson, table } from '../output.ts'
import { examples } from './options.ts'

/** `dag list` */
export function listCommand(): Command {
  return new Command('list')
    .description('lists the dags')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag list', 'dag list --json'))
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      const dags = await Promise.all(dagNames(config).map((name) => loadDag(config, name)))
      const rows = dags.map(({ name, about, schedule, tasks }) => ({ dag: name, schedule, tasks: tasks.length, about }))
      if (json) printJson(rows)
      else
        print(
          table(
            ['dag', 'schedule', '>tasks', 'about'],
            rows.map((row) => [row.dag, row.schedule, row.tasks, row.about]),
          ),
        )
    })
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { loadDags } from '../dags.ts'
import { oneLine, print, printJson, styled, table } from '../output.ts'
import { examples } from './options.ts'

/** `dag list` */
export function listCommand(): Command {
  return new Command('list')
    .description('lists the dags; a file that cannot be loaded with the reason')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag list', 'dag list --json'))
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const loaded = await loadDags(loadConfig())
      const rows = loaded.map(({ name, dag, problem }) => ({
        dag: name,
        schedule: dag?.schedule ?? null,
        tasks: dag?.tasks.length ?? null,
        about: dag?.about ?? null,
        problem: problem?.message ?? null,
      }))
      if (json) printJson(rows)
      else
        print(
          table(
            ['!dag', '?schedule', '?>tasks', 'about'],
            rows.map((row) => [row.dag, row.schedule, row.tasks, row.about ?? styled('red', oneLine(row.problem ?? ''))]),
          ),
        )
    })
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { compile, planHash } from '../../scheduler/plan.ts'
import { dagNames, loadDag } from '../dags.ts'
import { print, printJson, table } from '../output.ts'
import { examples } from './options.ts'

/** `dag check [dag]` */
export function checkCommand(): Command {
  return new Command('check')
    .description('compiles dags and says whether they are valid')
    .argument('[dag]', 'default: all')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag check', 'dag check main'))
    .action(async (name: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      const names = name === undefined ? dagNames(config) : [name]
      const plans = await Promise.all(names.map(async (one) => compile(await loadDag(config, one), config)))
      const rows = plans.map((plan) => ({ dag: plan.dagId, tasks: plan.tasks.length, planHash: planHash(plan) }))
      if (json) printJson(rows)
      else
        print(
          table(
            ['dag', '>tasks', 'plan', ''],
            rows.map((row) => [row.dag, row.tasks, row.planHash.slice(0, 12), 'valid']),
          ),
        )
    })
}

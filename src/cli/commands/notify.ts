import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes } from '../../errors.ts'
import { openStore } from '../../scheduler/store.ts'
import { oneLine, print, printJson, table } from '../output.ts'
import { tell } from '../tell.ts'
import { countOption, examples } from './options.ts'

interface Options {
  readonly limit: number
  readonly json?: boolean
}

/** `dag notify` */
export function notifyCommand(): Command {
  return new Command('notify')
    .description(
      'delivers the notices that are due, writes the metrics, lists the latest notices; runs and the daemon do so by themselves',
    )
    .option('--limit <count>', 'how many at most', countOption, 20)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nDAG_NOTIFY_COMMAND, DAG_NOTIFY_WEBHOOK and DAG_NOTIFY_ON say who is told of what, DAG_METRICS_FILE where the metrics go.\n${examples('dag notify')}`,
    )
    .action(async ({ limit, json = false }: Options) => {
      const config = loadConfig()
      using store = openStore(config.stateDir)
      const failures = await tell(config, store)
      const deliveries = store.notices.deliveries(limit)
      if (json) printJson(deliveries)
      else if (deliveries.length === 0) print('nobody has been told of anything yet')
      else
        print(
          table(
            ['?at', '!kind', '!dag', '!session', '!by', '!state', '?>tries', 'error'],
            deliveries.map((one) => [
              one.at,
              one.kind,
              one.dag,
              one.session,
              one.channel,
              one.state,
              one.tries,
              oneLine(one.error ?? ''),
            ]),
          ),
        )
      if (failures > 0) process.exitCode = exitCodes.failed
    })
}

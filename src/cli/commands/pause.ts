import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { openStore } from '../../scheduler/store.ts'
import { nextSlot } from '../../scheduler/timetable.ts'
import { loadDag } from '../dags.ts'
import { print, printJson } from '../output.ts'
import { examples } from './options.ts'

/** `dag pause <dag>` */
export function pauseCommand(): Command {
  return switchCommand('pause', 'lets the slots of a dag pass by until `dag unpause`; a run that goes on goes on', true)
}

/** `dag unpause <dag>` */
export function unpauseCommand(): Command {
  return switchCommand('unpause', 'runs a dag by its schedule again, from its next slot on', false)
}

function switchCommand(name: string, description: string, paused: boolean): Command {
  return new Command(name)
    .description(description)
    .argument('<dag>')
    .option('--json', 'print JSON')
    .addHelpText('after', examples(`dag ${name} main`))
    .action(async (dagId: string, { json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      const { timetable } = await loadDag(config, dagId)
      const next = timetable === null ? null : nextSlot(dagId, timetable, new Date())
      if (timetable === null || next === null) {
        throw new PipelineError(`dag ${dagId} has no schedule`, { exitCode: exitCodes.usage, retryable: false })
      }
      using store = openStore(config.stateDir)
      // Before the daemon has ever seen the dag there is no schedule to pause.
      store.schedules.put(dagId, timetable, next)
      const changed = store.schedules.setPaused(dagId, paused)
      const state = paused ? 'paused' : 'scheduled'
      if (json) printJson({ dag: dagId, state, changed, nextSlot: store.schedules.find(dagId)?.nextSlot })
      else
        print(
          `dag ${dagId} ${changed ? 'is now' : 'was already'} ${state}${paused ? '' : `; its next slot is ${next.toISOString()}`}`,
        )
    })
}

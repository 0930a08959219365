import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { backUpState } from '../../scheduler/store/backup.ts'
import { print, printJson, size } from '../output.ts'
import { examples } from './options.ts'

interface Options {
  readonly force?: boolean
  readonly json?: boolean
}

/** `dag state backup <file>` */
export function stateCommand(): Command {
  const backup = new Command('backup')
    .description('copies the state into one file, whole while runs go on, and checks the copy')
    .argument('<file>')
    .option('--force', 'replace the file')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag state backup backup/scheduler-2026-04.db'))
    .action(async (given: string, { force = false, json = false }: Options) => {
      const file = resolve(given)
      const { pages } = await backUpState(loadConfig().stateDir, file, { replace: force })
      const bytes = statSync(file).size
      if (json) printJson({ file, pages, bytes, integrity: 'ok' })
      else print(`${file}  ${size(bytes)}, integrity ok`)
    })
  return new Command('state')
    .description('looks after the state of the scheduler')
    .addHelpText('after', examples('dag state backup backup/scheduler.db'))
    .addCommand(backup.exitOverride().showSuggestionAfterError())
}

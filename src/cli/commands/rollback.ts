import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { rollback } from '../../lake/promotion.ts'
import { ledgerOf } from '../../scheduler/promotions.ts'
import { openStore } from '../../scheduler/store.ts'
import { isLatest, latestSnapshot, snapshotHelp } from '../latest.ts'
import { print, printJson } from '../output.ts'
import { recoverPointer, showOnTrino, whoami } from '../pointer.ts'

interface Options {
  readonly to?: string
  readonly reason: string
  readonly json?: boolean
}

/** `dag rollback` */
export function rollbackCommand(): Command {
  return new Command('rollback')
    .description('moves the pointer back to the run that was published before, or to an older one')
    .option('--to <run>', snapshotHelp)
    .option('--reason <text>', 'kept in the audit trail', 'by hand')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dag rollback --reason "wrong genres"')
    .action(async ({ to, reason, json = false }: Options) => {
      const config = loadConfig()
      recoverPointer(config)
      using store = openStore(config.stateDir)
      const request = { lakeDir: config.lakeDir, ledger: ledgerOf(store), who: whoami(), reason, now: () => new Date() }
      const outcome = rollback(
        to === undefined ? request : { ...request, to: isLatest(to) ? latestSnapshot(config, store, to) : to },
      )
      await showOnTrino(config)
      if (json) printJson(outcome)
      else print(outcome.note)
    })
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { promoteRun } from '../../lake/promotion.ts'
import { ledgerOf } from '../../scheduler/promotions.ts'
import { openStore } from '../../scheduler/store.ts'
import { print, printJson } from '../output.ts'
import { recoverPointer, showOnTrino, whoami } from '../pointer.ts'
import { runIdOf } from '../runs.ts'

interface Options {
  readonly force?: boolean
  readonly reason: string
  readonly json?: boolean
}

/** `dag promote <run>` */
export function promoteCommand(): Command {
  return new Command('promote')
    .description('publishes a sealed run whose checks have all succeeded')
    .argument('<run>', 'run id, or latest')
    .option('--force', 'publish it even if the published month is newer')
    .option('--reason <text>', 'kept in the audit trail', 'by hand')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dag promote 2026-04__20260420_060000 --reason "reviewed by Ada"')
    .action(async (given: string, { force = false, reason, json = false }: Options) => {
      const config = loadConfig()
      recoverPointer(config)
      using store = openStore(config.stateDir)
      const runId = runIdOf(store, given)
      const outcome = promoteRun({
        lakeDir: config.lakeDir,
        runId,
        allowOlder: force,
        ledger: ledgerOf(store),
        who: whoami(),
        reason,
        now: () => new Date(),
      })
      if (outcome.heldBack !== null)
        throw new PipelineError(outcome.note, {
          exitCode: exitCodes.conflict,
          retryable: false,
          hint: `\`dag promote ${runId} --force\` publishes it all the same`,
        })
      await showOnTrino(config)
      if (json) printJson(outcome)
      else print(outcome.note)
    })
}

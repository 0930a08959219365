import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { manifestFile, runDir } from '../../lake/layout.ts'
import { promoteRun } from '../../lake/promotion.ts'
import { lakeOf } from '../../scheduler/binding.ts'
import { ledgerOf } from '../../scheduler/promotions.ts'
import { openStore, type Store } from '../../scheduler/store.ts'
import { isLatest, latestSnapshot, snapshotHelp } from '../latest.ts'
import { print, printJson } from '../output.ts'
import { recoverPointer, showOnTrino, whoami } from '../pointer.ts'

interface Options {
  readonly force?: boolean
  readonly reason: string
  readonly json?: boolean
}

/** `dag promote <run>` */
export function promoteCommand(): Command {
  return new Command('promote')
    .description('publishes a sealed run whose checks have all succeeded')
    .argument('<run>', snapshotHelp)
    .option('--force', 'publish it even if it is older, or part of a month')
    .option('--reason <text>', 'kept in the audit trail', 'by hand')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dag promote 2026-04__20260420_060000 --reason "reviewed by Ada"')
    .action(async (given: string, { force = false, reason, json = false }: Options) => {
      const config = loadConfig()
      recoverPointer(config)
      using store = openStore(config.stateDir)
      const runId = isLatest(given) ? latestSnapshot(config, store, given) : store.run(given).runId
      const lakeDir = lakeOf(store.run(runId), config)
      refuseUnsealed({ ...config, lakeDir }, store, runId)
      const outcome = promoteRun({
        lakeDir,
        runId,
        allowOlder: force,
        allowPartial: force,
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
      await showOnTrino({ ...config, lakeDir })
      if (json) printJson(outcome)
      else print(outcome.note)
    })
}

/** @throws PipelineError (exit 4) that says why the run has no snapshot */
function refuseUnsealed({ lakeDir }: Config, store: Store, runId: string): void {
  if (existsSync(manifestFile(runDir(lakeDir, runId)))) return
  const { dagId, state } = store.run(runId)
  const writesNone = !store.planOf(runId).stages
  throw new PipelineError(
    `run ${runId} has no snapshot in ${lakeDir}: ${writesNone ? `dag ${dagId} writes none` : `the run is ${state}`}`,
    {
      exitCode: exitCodes.notFound,
      retryable: false,
      hint:
        writesNone || state === 'success'
          ? '`dag promote latest` names the newest run with a snapshot'
          : `\`dag retry ${runId}\` resumes it`,
    },
  )
}

import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { exitCodes } from '../../errors.ts'
import { resolveActive } from '../../lake/pointer.ts'
import { ownLakeOf } from '../../scheduler/binding.ts'
import { deferralOf, type MaybeDeferred } from '../../scheduler/deferral.ts'
import { seenRun, seenTasks } from '../../scheduler/seen-state.ts'
import type { CheckRecord } from '../../scheduler/store.ts'
import { runHelp } from '../latest.ts'
import { printFailure, taskTable } from '../outcome.ts'
import { oneLine, print, printJson, shownEnd, styled, table } from '../output.ts'
import { recoverPointerIfPossible } from '../pointer.ts'
import { readStore, runIdOf } from '../runs.ts'
import { examples } from './options.ts'

/** `dag status <run>` */
export function statusCommand(): Command {
  return new Command('status')
    .description('shows a run: state, params, tasks, checks that did not pass')
    .argument('<run>', runHelp)
    .option('--watch', 'show it live until the run ends')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
With --watch the exit code is the run's outcome, as that of \`dag trigger\`: 0 success, 1 failed, cancelled, or left by its scheduler. Ctrl-C ends
the watching alone (130). Without it the exit code is 0 whatever became of the run.
${examples('dag status latest', 'dag status latest --watch', 'dag status 2026-04__20260420_060000 --json')}`,
    )
    .action(async (given: string, { watch = false, json = false }: { readonly watch?: boolean; readonly json?: boolean }) => {
      const config = loadConfig()
      recoverPointerIfPossible(config)
      using store = readStore(config)
      const runId = runIdOf(store, given)
      if (watch) await (await import('../watch.ts')).watchRun(config, store, runId, json)
      const run = seenRun(store, store.run(runId))
      // Also of one that had ended before: who looks first must make no difference.
      if (watch && run.state !== 'success') process.exitCode = exitCodes.failed
      const tasks = seenTasks(store, runId)
      const checks = store.checks(runId)
      const active = resolveActive(ownLakeOf(run, config.lakeDir))?.runId === runId
      if (json) {
        printJson({ ...run, active, tasks, checks })
        return
      }
      // The live screen has left every task behind.
      const isShown = watch && process.stdout.isTTY
      if (isShown) print()
      print(`run       ${styled('bold', runId)}${active ? '  (active)' : ''}`)
      print(
        `state     ${shownEnd(run.state, run.reason)}${run.state === 'interrupted' ? lostHint(runId) : ''}${waitOf(store.tasks(runId))}`,
      )
      print(`session   ${run.session}   attempt ${run.attempt}   triggered by ${run.triggeredBy}`)
      print(
        `params    ${Object.entries(run.params)
          .map(([name, value]) => `${name}=${value}`)
          .join(' ')}`,
      )
      if (run.lakeDir !== null) print(`lake      ${run.lakeDir}   raw ${run.rawDir}`)
      if (!isShown) print(`\n${taskTable(tasks)}\n`)
      print(checkSummary(checks))
      // A line of the live screen has no room for a reason.
      if (isShown && run.state === 'failed') printFailure(config, { runId, tasks })
    })
}

function waitOf(tasks: readonly MaybeDeferred[]): string {
  const deferral = deferralOf(tasks)
  return deferral === null ? '' : `: ${deferral.taskId}: ${deferral.reason}; it looks again at ${deferral.until.toISOString()}`
}

function lostHint(runId: string): string {
  return `: its scheduler was killed; \`dag retry ${runId}\` resumes it`
}

function checkSummary(checks: readonly CheckRecord[]): string {
  const failing = checks.filter((check) => !check.ok)
  const heading = `checks    ${checks.length - failing.length} of ${checks.length} passed`
  if (failing.length === 0) return heading
  const rows = failing
    .slice(0, 20)
    .map((check) => [check.severity, check.checkName, check.value, check.expected, oneLine(check.details)])
  const more = failing.length > 20 ? `\n… and ${failing.length - 20} more: dag status ${failing[0]?.runId} --json` : ''
  return `${heading}\n\n${table(['!severity', '!check', '>value', '?expected', 'details'], rows)}${more}`
}

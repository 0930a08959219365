/** The `dag` command: wires one file per subcommand, turns errors into messages and exit codes. */
import { Command, CommanderError } from 'commander'
import { exampleQuery } from '../discogs/catalogue.ts'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
import { activeCommand } from './commands/active.ts'
import { backfillCommand } from './commands/backfill.ts'
import { cancelCommand } from './commands/cancel.ts'
import { checkCommand } from './commands/check.ts'
import { compileCommand } from './commands/compile.ts'
import { doctorCommand } from './commands/doctor.ts'
import { explainCommand } from './commands/explain.ts'
import { gcCommand } from './commands/gc.ts'
import { infraCommand } from './commands/infra.ts'
import { listCommand } from './commands/list.ts'
import { logsCommand } from './commands/logs.ts'
import { markCommand } from './commands/mark.ts'
import { promoteCommand } from './commands/promote.ts'
import { retryCommand } from './commands/retry.ts'
import { rollbackCommand } from './commands/rollback.ts'
import { runsCommand } from './commands/runs.ts'
import { scheduleCommand } from './commands/schedule.ts'
import { notifyCommand } from './commands/notify.ts'
import { pauseCommand, unpauseCommand } from './commands/pause.ts'
import { showCommand } from './commands/show.ts'
import { sqlCommand } from './commands/sql.ts'
import { stateCommand } from './commands/state.ts'
import { statusCommand } from './commands/status.ts'
import { tasksCommand } from './commands/tasks.ts'
import { triggerCommand } from './commands/trigger.ts'
import { trinoCommand } from './commands/trino.ts'
import { endWithOutput } from './output.ts'

const epilogue = `
Exit codes: 0 success, 1 run or task failed, 2 usage or invalid dag, 3 conflict, 4 not found, 5 locked, 130/143 interrupted.
Settings come from the environment, else .env, else the default: see .env.example.

Examples:
  dag trigger main --session "2026-04-20 06:00:00" --param dump_month=2026-04
  dag status latest
  dag sql "${exampleQuery}"`

function program(): Command {
  const dag = new Command('dag')
    .description('Runs the dags of the lakehouse, shows what ran, and moves the pointer to what is published.')
    .addHelpText('after', epilogue)
    .showSuggestionAfterError()
    .exitOverride()
  const commands = [
    listCommand(),
    showCommand(),
    checkCommand(),
    compileCommand(),
    triggerCommand(),
    backfillCommand(),
    scheduleCommand(),
    pauseCommand(),
    unpauseCommand(),
    notifyCommand(),
    retryCommand(),
    cancelCommand(),
    markCommand(),
    runsCommand(),
    statusCommand(),
    tasksCommand(),
    logsCommand(),
    explainCommand(),
    activeCommand(),
    promoteCommand(),
    rollbackCommand(),
    sqlCommand(),
    gcCommand(),
    stateCommand(),
    doctorCommand(),
    trinoCommand(),
    infraCommand(),
  ]
  for (const command of commands) dag.addCommand(command.exitOverride().showSuggestionAfterError())
  return dag
}

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  try {
    const dag = program()
    if (args.length === 0) {
      dag.outputHelp({ error: true })
      return exitCodes.usage
    }
    await dag.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? exitCodes.success)
  } catch (error) {
    // Commander has printed its message already; help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.usage
    process.stderr.write(describe(error))
    return error instanceof PipelineError ? error.exitCode : exitCodes.failed
  }
}

function describe(error: unknown): string {
  if (!(error instanceof PipelineError))
    return `dag: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`
  const lines = [`dag: ${error.message}`]
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`)
  const cause = error.cause === undefined ? '' : messageOf(error.cause)
  if (!error.message.includes(cause)) lines.push(`cause: ${cause}`)
  return `${lines.join('\n')}\n`
}

endWithOutput()
process.exitCode = await main(process.argv.slice(2))

/** The `dag` command: wires one file per subcommand, turns errors into messages and exit codes. */
import { Command, CommanderError } from 'commander'
import { exitCodes } from '../errors.ts'
import { endWithOutput } from './output.ts'
import { describe, describeUncaught, exitCodeOf } from './uncaught.ts'

const epilogue = (exampleQuery: string): string => `
Exit codes: 0 success, 1 run or task failed, 2 usage or invalid dag, 3 conflict, 4 not found, 5 locked, 75 deferred,
130/143 interrupted.
Settings come from the environment, else .env, else the default: see .env.example.

Examples:
  dag trigger main --session "2026-04-20 06:00:00" --param dump_month=2026-04
  dag status latest
  dag sql "${exampleQuery}"`

/** Loaded when they are asked for: a download is held to 120 MB, of which the scheduler behind other commands would take a third. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  list: async () => (await import('./commands/list.ts')).listCommand(),
  show: async () => (await import('./commands/show.ts')).showCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  compile: async () => (await import('./commands/compile.ts')).compileCommand(),
  download: async () => (await import('./commands/download.ts')).downloadCommand(),
  trigger: async () => (await import('./commands/trigger.ts')).triggerCommand(),
  backfill: async () => (await import('./commands/backfill.ts')).backfillCommand(),
  schedule: async () => (await import('./commands/schedule.ts')).scheduleCommand(),
  pause: async () => (await import('./commands/pause.ts')).pauseCommand(),
  unpause: async () => (await import('./commands/pause.ts')).unpauseCommand(),
  notify: async () => (await import('./commands/notify.ts')).notifyCommand(),
  retry: async () => (await import('./commands/retry.ts')).retryCommand(),
  cancel: async () => (await import('./commands/cancel.ts')).cancelCommand(),
  wake: async () => (await import('./commands/wake.ts')).wakeCommand(),
  mark: async () => (await import('./commands/mark.ts')).markCommand(),
  runs: async () => (await import('./commands/runs.ts')).runsCommand(),
  status: async () => (await import('./commands/status.ts')).statusCommand(),
  tasks: async () => (await import('./commands/tasks.ts')).tasksCommand(),
  logs: async () => (await import('./commands/logs.ts')).logsCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  active: async () => (await import('./commands/active.ts')).activeCommand(),
  promote: async () => (await import('./commands/promote.ts')).promoteCommand(),
  rollback: async () => (await import('./commands/rollback.ts')).rollbackCommand(),
  sql: async () => (await import('./commands/sql.ts')).sqlCommand(),
  diff: async () => (await import('./commands/diff.ts')).diffCommand(),
  gc: async () => (await import('./commands/gc.ts')).gcCommand(),
  state: async () => (await import('./commands/state.ts')).stateCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  trino: async () => (await import('./commands/trino.ts')).trinoCommand(),
  infra: async () => (await import('./commands/infra.ts')).infraCommand(),
}

/** With the one command that is asked for, or with all, for help and for names that nobody knows. */
async function program(name: string | undefined): Promise<Command> {
  const dag = new Command('dag')
    .description('Runs the dags of the lakehouse, shows what ran, and moves the pointer to what is published.')
    .showSuggestionAfterError()
    .exitOverride()
  const asked = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  for (const load of asked === undefined ? Object.values(commands) : [asked])
    dag.addCommand((await load()).exitOverride().showSuggestionAfterError())
  if (asked === undefined) dag.addHelpText('after', epilogue((await import('../discogs/catalogue.ts')).exampleQuery))
  return dag
}

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  try {
    const dag = await program(args[0])
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
    return exitCodeOf(error)
  }
}

endWithOutput()
describeUncaught()
process.exitCode = await main(process.argv.slice(2))

import { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import type { ServerRecord } from '../../infra/server-record.ts'
import type { StartOptions } from '../../infra/trino-server.ts'
import { interruptible } from '../interruption.ts'
import { duration, print, printJson, shownPath, size, styled } from '../output.ts'
import { countOption, examples } from './options.ts'
import { QueryCommand } from './query-command.ts'
import { printResult, tableAsJson, wholeAnswer } from '../sql/formats.ts'

interface Options {
  readonly json?: boolean
}

/** `dag infra start|stop|status|sql` */
export function infraCommand(): Command {
  const infra = new Command('infra')
    .description('a Trino server on this machine, without docker')
    .addHelpText('after', examples('dag infra start', 'dag infra status', 'dag infra sql "show schemas"', 'dag infra stop'))
  for (const command of [startCommand(), stopCommand(), statusCommand(), askCommand()])
    infra.addCommand(command.exitOverride().showSuggestionAfterError())
  return infra.exitOverride()
}

function startCommand(): Command {
  return new Command('start')
    .description('starts it, and fetches it first when needed; says where it is when it runs already')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag infra start', 'TRINO_HEAP_MB=12288 dag infra start'))
    .action(async ({ json = false }: Options) => {
      const startedMs = performance.now()
      const server = await started(loadConfig())
      if (json) printJson(server)
      else print(`Trino ${server.version} answers at ${styled('bold', server.url)} (${duration(performance.now() - startedMs)})`)
    })
}

function stopCommand(): Command {
  return new Command('stop')
    .description('stops it; its metastore stays')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag infra stop'))
    .action(async ({ json = false }: Options) => {
      const { stopTrino } = await import('../../infra/trino-server.ts')
      const stopped = await stopTrino(loadConfig().localTrino.stateDir)
      if (json) printJson({ stopped })
      else print(stopped ? 'stopped' : 'it was not running')
    })
}

function statusCommand(): Command {
  return new Command('status')
    .description('shows whether it runs, where, and what it takes; exit 4 when it does not run')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag infra status', 'dag infra status --json | jq -r .server.url'))
    .action(async ({ json = false }: Options) => {
      const { trinoStatus } = await import('../../infra/trino-server.ts')
      const status = trinoStatus(loadConfig().localTrino.stateDir)
      process.exitCode = status.state === 'stopped' ? exitCodes.notFound : exitCodes.success
      if (json) return printJson(status)
      print(`${'state'.padEnd(8)}${status.state}`)
      if (status.server === null) return
      for (const [name = '', value] of facts(status.server, status.residentBytes, status.logFile))
        print(`${name.padEnd(8)}${value}`)
    })
}

function askCommand(): Command {
  return new QueryCommand('sql')
    .description('asks the local server in SQL')
    .argument('<query>', 'one statement; names are <schema>.<table>')
    .option('--max-rows <count>', 'how many rows a table shows', countOption, 1000)
    .option('--json', 'print all rows as JSON')
    .addHelpText('after', examples('dag infra sql "show schemas"', 'dag infra sql --json "select * from system.runtime.nodes"'))
    .action(async (query: string, { json = false, maxRows }: Options & { readonly maxRows: number }) => {
      const server = await running(loadConfig())
      const [{ TrinoEngine }, { localSettings }] = await Promise.all([
        import('../../sql/trino.ts'),
        import('../../infra/trino-server.ts'),
      ])
      using interruption = interruptible()
      await using engine = await TrinoEngine.open(localSettings(server), { signal: interruption.signal })
      const result = await interruption.of(wholeAnswer(engine.stream(query)))
      if (json) printJson(tableAsJson(result))
      else if (result.columns.length === 0) print('done')
      else printResult(result, maxRows)
    })
}

async function started(config: Config): Promise<ServerRecord> {
  const { startTrino } = await import('../../infra/trino-server.ts')
  using interruption = interruptible()
  const options: StartOptions = {
    settings: config.localTrino,
    lakeDir: config.lakeDir,
    say: (line) => process.stderr.write(`trino: ${line}\n`),
    signal: interruption.signal,
  }
  return await interruption.of(startTrino(options))
}

async function running(config: Config): Promise<ServerRecord> {
  const { trinoStatus } = await import('../../infra/trino-server.ts')
  const { server } = trinoStatus(config.localTrino.stateDir)
  if (server !== null) return server
  throw new PipelineError('the local Trino server does not run', {
    exitCode: exitCodes.notFound,
    retryable: false,
    hint: '`dag infra start` starts it',
  })
}

function facts(server: ServerRecord, residentBytes: number | null, logFile: string): string[][] {
  return [
    ['url', server.url],
    ['version', `Trino ${server.version} on ${server.javaHome}`],
    ['pid', `${server.pid}, since ${server.startedAt}`],
    ...(residentBytes === null ? [] : [['memory', size(residentBytes)]]),
    ['log', shownPath(logFile)],
  ]
}

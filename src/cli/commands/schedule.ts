import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Config, isUnderServiceManager, loadConfig, settingsToCarry } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import type { DaemonSettings } from '../daemon.ts'
import { print, printJson, table } from '../output.ts'
import { readStore } from '../runs.ts'
import { checkScheduleParams } from '../schedule-params.ts'
import { launchdLabel, launchdPlist, type Service, systemdUnit } from '../service/units.ts'
import { collectParam, examples } from './options.ts'

interface Options {
  readonly param: Readonly<Record<string, string>>
  readonly printService?: boolean
  readonly launchd?: boolean
  readonly list?: boolean
  readonly json?: boolean
}

/** `dag schedule` */
export function scheduleCommand(): Command {
  return new Command('schedule')
    .description('runs dags by their schedules, until it is stopped: the daemon')
    .option('--param <name=value>', 'a param of every scheduled run whose dag has it; repeatable', collectParam, {})
    .option('--list', 'show the schedules and their next slots instead')
    .option('--print-service', 'print a systemd unit that runs this command with these settings')
    .option('--launchd', 'with --print-service: a property list for launchd')
    .option('--json', 'with --list: print JSON')
    .addHelpText(
      'after',
      `
The unit repeats the settings of the environment, but passwords, tokens and proxies: \`.env\` has those.
SIGTERM stops it, and with it the run it is at; the next start resumes that run. Output goes to stderr. One daemon a state directory.
A param must belong to a scheduled dag and be valid for every one that has it; else nothing is started (exit 2).
${examples(
  'dag schedule --param do_download=true --param run_mode=prod --param allow_promote=true',
  'dag schedule --list',
  'dag schedule --print-service > ~/.config/systemd/user/dag.service && systemctl --user enable --now dag',
  `dag schedule --print-service --launchd > ~/Library/LaunchAgents/${launchdLabel}.plist`,
)}`,
    )
    .action(async (options: Options) => {
      const config = loadConfig()
      if (options.list === true) return list(config, options.json === true)
      await checkScheduleParams(config, options.param)
      if (options.printService === true) print(serviceText(config, options).trimEnd())
      else become(config, options.param)
    })
}

/** Lean for months: young heap and helper threads for a process that does almost nothing. */
const nodeOptions = ['--max-semi-space-size=1', '--v8-pool-size=1']

/** Replaces this process, and everything it has loaded, by the daemon: same pid, same environment. */
function become({ projectDir, stateDir, notify, metricsFile }: Config, params: Readonly<Record<string, string>>): never {
  const settings: DaemonSettings = {
    projectDir,
    stateDir,
    params,
    isService: isUnderServiceManager(),
    isTelling: notify.command !== null || notify.webhook !== null,
    isMeasured: metricsFile !== null,
  }
  const daemon = join(projectDir, 'src/cli/daemon.ts')
  if (process.execve === undefined) throw new PipelineError('`dag schedule` needs a POSIX system', { exitCode: exitCodes.usage })
  // What has just been compiled stays in memory for good; what comes from the compile cache does not. So it is filled first.
  spawnSync(process.execPath, [...nodeOptions, daemon])
  return process.execve(process.execPath, [process.execPath, ...nodeOptions, daemon, JSON.stringify(settings)])
}

function serviceText(config: Config, { param, launchd = false }: Options): string {
  const params = Object.entries(param).flatMap(([name, value]) => ['--param', `${name}=${value}`])
  const service: Service = {
    projectDir: config.projectDir,
    command: [process.execPath, join(config.projectDir, 'src/cli/dag.ts'), 'schedule', ...params],
    environment: {
      DISCOGS_DATA_LAKE: config.lakeDir,
      DISCOGS_RAW: config.rawDir,
      DAG_STATE: config.stateDir,
      NODE_COMPILE_CACHE: join(config.stateDir, 'compile-cache'),
      DAG_PARALLELISM: String(config.parallelism),
      SQL_ENGINE: config.sqlEngine,
      ...settingsToCarry(),
      ...(config.trino?.caFile == null ? {} : { TRINO_CA_FILE: config.trino.caFile }),
      DAG_NOTIFY_ON: config.notify.kinds.join(','),
      ...(config.notify.command === null ? {} : { DAG_NOTIFY_COMMAND: config.notify.command }),
      ...(config.notify.webhook === null ? {} : { DAG_NOTIFY_WEBHOOK: config.notify.webhook }),
      ...(config.metricsFile === null ? {} : { DAG_METRICS_FILE: config.metricsFile }),
    },
    logFile: join(homedir(), 'Library/Logs', `${launchdLabel}.log`),
  }
  return launchd ? launchdPlist(service) : systemdUnit(service)
}

function list(config: Config, json: boolean): void {
  using store = readStore(config)
  const schedules = store.schedules.all()
  const due = store.schedules.due()
  if (json) {
    printJson({ schedules, due })
    return
  }
  if (schedules.length === 0) print('no schedule is known yet: `dag schedule` reads them from the dags')
  const rows = schedules.map(({ dagId, timetable, isPaused, nextSlot, problem }) => [
    dagId,
    timetable.cron,
    timetable.timeZone,
    isPaused ? 'paused' : nextSlot.toISOString(),
    due.find((one) => one.dagId === dagId)?.slot ?? '',
    problem ?? '',
  ])
  if (rows.length > 0) print(table(['!dag', '!schedule', '?time zone', '!next slot', '!waiting', 'problem'], rows))
}

import { accessSync, constants, existsSync, mkdirSync, openSync, readSync, closeSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dumps } from '../discogs/catalogue.ts'
import { messageOf, PipelineError } from '../errors.ts'
import { runDir, runsDir, stagingDir } from '../lake/layout.ts'
import { probeFileSystem } from '../lake/probe.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { type DumpFile, findDumpFile } from './dump-file.ts'
import { lackOfIdsIn } from './old-shapes.ts'
import { awaitMonth } from './preflight/await-month.ts'

/** Parquet, reports and the spill of the build take about twice the gzip bytes; never less than this. */
const diskFactor = 2
const minFreeBytes = 64 * 1024 * 1024

/**
 * Looks for everything that would stop the run later: parameters, dumps, disk, permissions.
 * @throws PipelineError, not retryable, listing all that is wrong at once; NotYetError while the site has not published the month
 */
export async function preflight(context: TaskContext): Promise<TaskResult> {
  const problems: string[] = []
  const attempt = (check: () => void): void => {
    try {
      check()
    } catch (error) {
      problems.push(messageOf(error))
    }
  }
  const files: DumpFile[] = []
  attempt(() => {
    // First: a staging directory beside a sealed run would stop the seal.
    assertUnsealed(context)
    assertWritable(context)
    problems.push(...probeFileSystem(context.lakeDir).map((problem) => `the file system of ${context.lakeDir} ${problem}`))
  })
  const isDownloading = context.params['do_download'] === 'true'
  if (!isDownloading) {
    for (const dump of dumps) {
      attempt(() => {
        const month = context.params['dump_month'] ?? ''
        const file = findDumpFile(context.rawDir, month, dump.name)
        assertReadable(file)
        files.push(file)
        const lack = lackOfIdsIn(file.path, dump, month)
        if (lack !== null) problems.push(`${lack.message}; ${lack.hint}`)
      })
    }
  } else attempt(() => assertRawWritable(context))
  if (problems.length === 0) {
    const shortage = await diskShortage(context.lakeDir, files)
    if (shortage !== null) problems.push(shortage)
  }
  if (problems.length > 0) {
    throw new PipelineError(
      `preflight of run ${context.runId} found ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
      { retryable: false, ...(isDownloading || files.length === dumps.length ? {} : { hint: downloadHint(context) }) },
    )
  }
  const published = isDownloading ? await awaitMonth(context) : []
  warnOfDays(context, isDownloading ? published : files)
  for (const { name, bytes, expectedSha256 } of files) {
    context.log(
      `${name}: ${bytes} bytes, ${expectedSha256 === null ? 'no checksum to compare with' : 'will be compared with its checksum'}`,
    )
  }
  return {}
}

function downloadHint({ params }: TaskContext): string {
  return `\`dag download --month ${params['dump_month']}\` fetches the dumps of the month; a run with the param do_download=true does so itself`
}

function assertWritable({ lakeDir, runId }: TaskContext): void {
  try {
    mkdirSync(stagingDir(lakeDir, runId), { recursive: true })
    accessSync(runsDir(lakeDir), constants.W_OK)
  } catch (error) {
    throw new PipelineError(`the lake ${lakeDir} is not writable: ${messageOf(error)}`, { cause: error })
  }
}

function assertRawWritable({ rawDir }: TaskContext): void {
  try {
    mkdirSync(rawDir, { recursive: true })
    accessSync(rawDir, constants.W_OK)
  } catch (error) {
    throw new PipelineError(`do_download needs to write to ${rawDir}, the directory of the dumps: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function assertUnsealed({ lakeDir, runId }: TaskContext): void {
  if (existsSync(runDir(lakeDir, runId)))
    throw new PipelineError(`run ${runId} is sealed already in ${runDir(lakeDir, runId)}: choose another session`)
}

function assertReadable(file: DumpFile): void {
  if (file.bytes === 0) throw new PipelineError(`${file.path} is empty (0 bytes)`)
  try {
    const descriptor = openSync(file.path, 'r')
    readSync(descriptor, Buffer.alloc(1))
    closeSync(descriptor)
  } catch (error) {
    throw new PipelineError(`${file.path} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

/** A month is usually published in one day. October 2019 was not: each dump is sound by itself, but ids may not join across them. */
function warnOfDays(context: TaskContext, files: readonly Pick<DumpFile, 'dump' | 'name'>[]): void {
  const byDay = Map.groupBy(files, ({ name }) => name.slice('discogs_'.length, 'discogs_YYYYMMDD'.length))
  const days = [...byDay].map(([day, ofDay]) => `${ofDay.map(({ dump }) => dump).join(', ')} of ${day}`)
  const isOne = byDay.size <= 1
  if (!isOne) context.log(`warning: the dumps are of different days: ${days.join('; ')}`)
  context.recordChecks([
    {
      checkName: 'preflight.one_day',
      severity: 'WARN',
      dataset: null,
      value: String(byDay.size),
      expected: 'all dumps of one day',
      previous: null,
      ok: isOne,
      details: isOne ? '' : days.join('; '),
      durationMs: 0,
      sample: [],
    },
  ])
}

async function diskShortage(lakeDir: string, files: readonly DumpFile[]): Promise<string | null> {
  const { bavail, bsize } = await statfs(lakeDir)
  const free = bavail * bsize
  const needed = Math.max(minFreeBytes, diskFactor * files.reduce((sum, file) => sum + file.bytes, 0))
  return free >= needed ? null : `${lakeDir} has ${megabytes(free)} MB free, the run needs about ${megabytes(needed)} MB`
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}

if (import.meta.main) await runTask(preflight)

/** A plan as a POSIX shell script: the same commands in the same order, with no scheduler and no state. */
import { isAbsolute, relative } from 'node:path'
import { exitCodes } from '../../errors.ts'
import { unmetGuardrail } from '../gate.ts'
import { type Plan, type PlannedTask, shellQuote } from '../plan.ts'

/** Prints the seconds until the task may look again; fails past the limit, and when the task has named no time. */
const pauseProgram = `
const [file, limit] = process.argv.slice(1)
const lines = require("node:fs").readFileSync(file, "utf8").trim().split("\\n")
const { deferred } = lines.map((line) => JSON.parse(line || "{}")).findLast((line) => line.deferred) ?? {}
const now = Date.now() / 1000
if (deferred === undefined || now >= Number(limit)) process.exit(1)
console.log(Math.ceil(Math.max(1, Math.min(Date.parse(deferred.until) / 1000, Number(limit)) - now)))
`.trim()

export interface ShellRun {
  readonly runId: string
  /** `YYYY-MM-DD HH:MM:SS` */
  readonly session: string
  readonly params: Readonly<Record<string, string>>
  readonly projectDir: string
  readonly lakeDir: string
  readonly rawDir: string
}

/** The script stops at the first task that fails. It runs elsewhere too: PROJECT_DIR, DISCOGS_DATA_LAKE and DISCOGS_RAW may be set. */
export function renderShell(plan: Plan, run: ShellRun): string {
  return [...head(plan, run), ...body(plan, run), `echo ${shellQuote(`done: run ${run.runId}`)}`, ''].join('\n')
}

function head(plan: Plan, run: ShellRun): readonly string[] {
  const exports = {
    RUN_ID: run.runId,
    DAG_ID: plan.dagId,
    SESSION: run.session,
    ATTEMPT: '1',
    TRY: '1',
    ...paramVariables(run.params),
  }
  return [
    '#!/bin/sh',
    `# dag ${plan.dagId}, run ${run.runId}: compiled by \`dag compile ${plan.dagId} --format sh\`.`,
    '# Set PROJECT_DIR, DISCOGS_DATA_LAKE or DISCOGS_RAW to run it in other places.',
    ...(plan.tasks.some(({ kind }) => kind === 'promote') ? promotionNotes : []),
    'set -eu',
    `PROJECT_DIR=\${PROJECT_DIR:-${shellQuote(run.projectDir)}}`,
    // On another machine the directory of the one that compiled means nothing: then the script is started in the project.
    '[ -d "$PROJECT_DIR" ] || PROJECT_DIR=$(pwd)',
    ...directory('DISCOGS_DATA_LAKE', run.lakeDir, run.projectDir),
    ...directory('DISCOGS_RAW', run.rawDir, run.projectDir),
    'cd "$PROJECT_DIR"',
    'PATH="$PWD/node_modules/.bin:$PATH"',
    'export PATH',
    'unset DAG_STATE',
    ...Object.entries(exports).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    ...taskFunction,
  ]
}

const promotionNotes = [
  '# No scheduler: a promotion relies on the check results in the _reports of the run, and is recorded in _meta/promotions of the lake.',
]

/**
 * Runs a task; one that defers itself is started again at the time it asks for. Its clock is node's: that of date(1) differs between
 * systems.
 */
const taskFunction = [
  'RESULT_FILE=$(mktemp)',
  'export RESULT_FILE',
  `trap 'rm -f "$RESULT_FILE"' EXIT`,
  '# task <seconds it may defer itself> <command>',
  'task() {',
  "  limit=$(($(node -p 'Math.floor(Date.now() / 1000)') + $1))",
  '  DEFERRED_SINCE=',
  '  while :; do',
  '    export DEFERRED_SINCE',
  '    : >"$RESULT_FILE"',
  '    code=0',
  '    sh -c "$2" || code=$?',
  `    [ "$code" -eq ${exitCodes.notYet} ] || return "$code"`,
  `    pause=$(node -e '${pauseProgram}' "$RESULT_FILE" "$limit") || return 1`,
  `    [ -n "$DEFERRED_SINCE" ] || DEFERRED_SINCE=$(node -p 'new Date().toISOString()')`,
  '    sleep "$pause"',
  '  done',
  '}',
]

/** The caller's value, made absolute before the script changes its directory; else the place known when it was compiled. */
function directory(name: string, place: string, projectDir: string): readonly string[] {
  const inside = relative(projectDir, place)
  const standard = inside.startsWith('..') || isAbsolute(inside) ? shellQuote(place) : `"$PROJECT_DIR"/${shellQuote(inside)}`
  return [`${name}=\${${name}:-${standard}}`, `case $${name} in /*) ;; *) ${name}=$(pwd)/$${name} ;; esac`, `export ${name}`]
}

function body(plan: Plan, run: ShellRun): readonly string[] {
  const skipped = new Set<string>()
  return plan.tasks.flatMap((task) => {
    const reason = skipReason(task, skipped, run.params)
    if (reason === null)
      return [
        '',
        `export TASK_ID=${shellQuote(task.id)}`,
        `task ${Math.round(task.deferLimitMs / 1000)} ${shellQuote(task.command)}`,
      ]
    skipped.add(task.id)
    return ['', `echo ${shellQuote(`${task.id}: skipped: ${reason}`)}`]
  })
}

function skipReason(task: PlannedTask, skipped: ReadonlySet<string>, params: ShellRun['params']): string | null {
  const above = task.upstream.find((id) => skipped.has(id))
  return above === undefined ? unmetGuardrail(task, params) : `${above} was skipped`
}

function paramVariables(params: ShellRun['params']): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [`PARAM_${name.toUpperCase()}`, value]))
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CheckGroup, checkGroups } from '../discogs/check-groups.ts'
import { PipelineError } from '../errors.ts'
import { currentDir, reportsDir } from '../lake/layout.ts'
import type { TaskContext, TaskResult } from '../scheduler/context.ts'
import { runTask } from '../task-process.ts'
import { censusChecks } from './checks/census.ts'
import { runChecks } from './checks/check.ts'
import { driftChecks, hintToAccept } from './checks/drift.ts'
import { fileChecks } from './checks/files.ts'
import { keyChecks } from './checks/keys.ts'
import { referenceChecks } from './checks/references.ts'
import { criticalFailures, describeFailures, summary, writeResults } from './checks/results.ts'
import { type ListChecks, openOnDuckDb, withScope } from './checks/scope.ts'
import { valueChecks } from './checks/values.ts'

const checksOf: Readonly<Record<CheckGroup, ListChecks>> = {
  files: fileChecks,
  keys: keyChecks,
  references: referenceChecks,
  values: valueChecks,
  drift: driftChecks,
  census: censusChecks,
}

/** Runs one group of checks (`args[0]`) on the run before it is sealed; a critical failure fails the task. */
export async function check(context: TaskContext): Promise<TaskResult> {
  const name = groupNamed(context.args[0])
  const directory = currentDir(context.lakeDir, context.runId)
  if (!existsSync(directory))
    throw new PipelineError(`check ${name}: run directory ${directory} does not exist`, { retryable: false })
  // A run that is not sealed yet is read from its files; no other engine knows it.
  const results = await withScope({ context, directory, open: openOnDuckDb }, async (scope) => {
    return runChecks(await checksOf[name](scope), context)
  })
  context.recordChecks(results)
  writeResults(join(reportsDir(directory), `check_${name}`), results)
  context.log(summary(results))
  const failures = criticalFailures(results)
  if (failures.length > 0) {
    const accept = hintToAccept(failures)
    const hint = `see ${join(reportsDir(directory), `check_${name}.csv`)}${accept === undefined ? '' : `; ${accept}`}`
    throw new PipelineError(`check ${name}: ${describeFailures(failures)}`, { retryable: false, hint })
  }
  return {}
}

function groupNamed(name: string | undefined): CheckGroup {
  const group = checkGroups.find((candidate) => candidate === name)
  if (group !== undefined) return group
  throw new PipelineError(`there is no group of checks named ${JSON.stringify(name)}: ${checkGroups.join(', ')}`, {
    retryable: false,
  })
}

if (import.meta.main) await runTask(check)

/**
 * Values of secret params: in a file of their own that its owner alone may read, never in the database, which is read, printed and
 * copied. They reach the tasks through the environment.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { hasCode, messageOf, PipelineError } from '../errors.ts'
import { masked, type Resolved } from './params.ts'
import type { RunRecord } from './store.ts'

function fileOf(stateDir: string, runId: string): string {
  return join(stateDir, 'secrets', `${runId}.json`)
}

/** Puts the secrets of a run aside. @returns its params as they may be shown */
export function keepSecrets(
  stateDir: string,
  runId: string,
  { params, secrets }: Pick<Resolved, 'params' | 'secrets'>,
): Readonly<Record<string, string>> {
  if (secrets.length === 0) return params
  const values = Object.fromEntries(secrets.map((name) => [name, params[name] ?? '']))
  const file = fileOf(stateDir, runId)
  mkdirSync(join(stateDir, 'secrets'), { recursive: true, mode: 0o700 })
  // Left by a run that was never made: its mode may be another.
  rmSync(file, { force: true })
  writeFileSync(file, JSON.stringify(values), { mode: 0o600, flush: true })
  return { ...params, ...Object.fromEntries(secrets.map((name) => [name, masked])) }
}

/** The run as its tasks need it. A secret whose file is gone stays `***`, which its task will not take. */
export function withSecrets(stateDir: string, run: RunRecord): RunRecord {
  const secretParams = Object.keys(run.params).filter((name) => run.params[name] === masked)
  if (secretParams.length === 0) return run
  return { ...run, params: { ...run.params, ...read(fileOf(stateDir, run.runId)) }, secretParams }
}

function read(file: string): Readonly<Record<string, string>> {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return {}
    throw new PipelineError(`the secrets in ${file} cannot be read: ${messageOf(cause)}`, { cause, retryable: false })
  }
}

/**
 * Values of secret params: in a file of their own that its owner alone may read, never in the database, which is read, printed and
 * copied. They reach the tasks through the environment.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { exitCodes, hasCode, messageOf, PipelineError } from '../errors.ts'
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

/** The run as its tasks need it. @throws PipelineError (exit 2) when a value is not there: no task may take `***` for one */
export function withSecrets(stateDir: string, run: RunRecord): RunRecord {
  const secretParams = Object.keys(run.params).filter((name) => run.params[name] === masked)
  if (secretParams.length === 0) return run
  const file = fileOf(stateDir, run.runId)
  const values = read(file, run.runId, secretParams)
  const missing = secretParams.filter((name) => values[name] === undefined)
  if (missing.length > 0) throw unknownSecrets(`${file} has no ${missing.join(', ')}`, file, run.runId, secretParams)
  return { ...run, params: { ...run.params, ...values }, secretParams }
}

function read(file: string, runId: string, names: readonly string[]): Readonly<Record<string, string>> {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    // Neither the parser nor the validator may repeat what stands there.
    const found = hasCode(cause, 'ENOENT') ? 'is gone' : `cannot be read${isSystemError(cause) ? `: ${messageOf(cause)}` : ''}`
    throw unknownSecrets(`${file} ${found}`, file, runId, names)
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function unknownSecrets(found: string, file: string, runId: string, names: readonly string[]): PipelineError {
  const example = JSON.stringify(Object.fromEntries(names.map((name) => [name, '…'])))
  return new PipelineError(`the secret params of run ${runId} must be given again: ${found}`, {
    exitCode: exitCodes.usage,
    retryable: false,
    hint: `write ${example} to ${file}, for its owner alone (chmod 600); then \`dag retry ${runId}\``,
  })
}

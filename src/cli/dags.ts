import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Config } from '../config.ts'
import { exitCodes, PipelineError } from '../errors.ts'
import type { Dag } from '../scheduler/dag.ts'
import { suggest } from '../scheduler/nearest.ts'

/** Names of the dags: the files of `dags/` that define one. */
export function dagNames({ projectDir }: Pick<Config, 'projectDir'>): readonly string[] {
  const directory = join(projectDir, 'dags')
  const files = readdirSync(directory).filter((name) => name.endsWith('.ts'))
  return files
    .filter((name) => readFileSync(join(directory, name), 'utf8').includes('defineDag('))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort()
}

/** @throws PipelineError (exit 4) with the nearest name */
export async function loadDag(config: Config, name: string): Promise<Dag> {
  const names = dagNames(config)
  if (!names.includes(name)) {
    const hint = suggest(name, names) ?? `the dags are ${names.join(', ')}`
    throw new PipelineError(`there is no dag ${JSON.stringify(name)}`, { exitCode: exitCodes.notFound, retryable: false, hint })
  }
  const module: { readonly default: Dag } = await import(pathToFileURL(join(config.projectDir, 'dags', `${name}.ts`)).href)
  return module.default
}

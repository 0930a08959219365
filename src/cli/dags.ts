import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Config } from '../config.ts'
import { exitCodes, messageOf, PipelineError } from '../errors.ts'
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

/** @throws PipelineError: exit 4 with the nearest name when there is no such file, exit 2 when it cannot be loaded or defines another dag */
export async function loadDag(config: Config, name: string): Promise<Dag> {
  const names = dagNames(config)
  if (!names.includes(name)) {
    const hint = suggest(name, names) ?? `the dags are ${names.join(', ')}`
    throw new PipelineError(`there is no dag ${JSON.stringify(name)}`, { exitCode: exitCodes.notFound, retryable: false, hint })
  }
  const dag = await defaultExport(config, name)
  if (dag?.name === name) return dag
  const found = dag?.name === undefined ? 'does not default-export a dag' : `defines the dag ${JSON.stringify(dag.name)}`
  throw invalid(`dags/${name}.ts ${found}`, `export default defineDag(${JSON.stringify(name)}, …): a dag is named after its file`)
}

async function defaultExport({ projectDir }: Config, name: string): Promise<Dag | undefined> {
  try {
    const module: { readonly default?: Dag } = await import(pathToFileURL(join(projectDir, 'dags', `${name}.ts`)).href)
    return module.default
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    const line = cause instanceof Error ? new RegExp(`/dags/${name}\\.ts:(\\d+)`).exec(cause.stack ?? '')?.[1] : undefined
    const kind = cause instanceof Error ? `${cause.name}: ` : ''
    const message = `${kind}${messageOf(cause)}`.replaceAll(/\s*\n\s*/g, ' ')
    throw invalid(`dags/${name}.ts${line === undefined ? '' : `:${line}`} cannot be loaded: ${message}`)
  }
}

function invalid(message: string, hint?: string): PipelineError {
  return new PipelineError(message, { exitCode: exitCodes.usage, retryable: false, ...(hint === undefined ? {} : { hint }) })
}

/** One dag file, or why it cannot be used. */
export type LoadedDag =
  | { readonly name: string; readonly dag: Dag; readonly problem: null }
  | { readonly name: string; readonly dag: null; readonly problem: PipelineError }

/** Every dag file; a broken one keeps nobody from the others. */
export async function loadDags(config: Config): Promise<readonly LoadedDag[]> {
  return Promise.all(dagNames(config).map((name) => tryToLoad(config, name)))
}

async function tryToLoad(config: Config, name: string): Promise<LoadedDag> {
  try {
    return { name, dag: await loadDag(config, name), problem: null }
  } catch (error) {
    if (error instanceof PipelineError) return { name, dag: null, problem: error }
    throw error
  }
}

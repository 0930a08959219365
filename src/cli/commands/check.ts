import { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { exitCodes, PipelineError } from '../../errors.ts'
import { compile, planHash } from '../../scheduler/plan.ts'
import { dagNames, loadDag } from '../dags.ts'
import { oneLine, print, printJson, styled, table } from '../output.ts'
import { examples } from './options.ts'

interface Verdict {
  readonly dag: string
  readonly tasks: number | null
  readonly planHash: string | null
  /** Null: it is valid. */
  readonly problem: string | null
}

/** `dag check [dag]` */
export function checkCommand(): Command {
  return new Command('check')
    .description('compiles dags and says whether they are valid; exit 2 when one is not')
    .argument('[dag]', 'default: all')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag check', 'dag check main'))
    .action(async (name: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      const names = name === undefined ? dagNames(config) : [name]
      const verdicts = await Promise.all(names.map((one) => verdictOn(config, one)))
      if (verdicts.some(({ problem }) => problem !== null)) process.exitCode = exitCodes.usage
      if (json) printJson(verdicts)
      else print(table(['!dag', '?>tasks', '?plan', ''], verdicts.map(rowOf)))
    })
}

/** @throws PipelineError (exit 4) when there is no such dag */
async function verdictOn(config: Config, name: string): Promise<Verdict> {
  try {
    const plan = compile(await loadDag(config, name), config)
    return { dag: name, tasks: plan.tasks.length, planHash: planHash(plan), problem: null }
  } catch (error) {
    if (!(error instanceof PipelineError) || error.exitCode !== exitCodes.usage) throw error
    const problem = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`
    return { dag: name, tasks: null, planHash: null, problem }
  }
}

function rowOf({ dag, tasks, planHash: hash, problem }: Verdict): (string | number | null)[] {
  return [dag, tasks, hash?.slice(0, 12) ?? '', problem === null ? 'valid' : styled('red', oneLine(problem))]
}

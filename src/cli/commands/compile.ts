import { Command, Option } from 'commander'
import { loadConfig } from '../../config.ts'
import { compile } from '../../scheduler/plan.ts'
import { renderJson } from '../../scheduler/render/json.ts'
import { renderMermaid } from '../../scheduler/render/mermaid.ts'
import { renderShell } from '../../scheduler/render/sh.ts'
import { parseSession, sessionOf } from '../../scheduler/session.ts'
import { loadDag } from '../dags.ts'
import { collectParam, paramHelp, sessionHelp } from './options.ts'

interface Options {
  readonly format: 'json' | 'mermaid' | 'sh'
  readonly session?: string
  readonly param: Readonly<Record<string, string>>
}

/** `dag compile <dag>` */
export function compileCommand(): Command {
  return new Command('compile')
    .description('prints the plan of a dag: as JSON, as a Mermaid graph, or as a shell script that needs no scheduler')
    .argument('<dag>')
    .addOption(new Option('--format <format>', 'form of the plan').choices(['json', 'mermaid', 'sh']).default('json'))
    .option('--session <instant>', sessionHelp)
    .option('--param <name=value>', paramHelp, collectParam, {})
    .addHelpText('after', '\nExample:\n  dag compile main --format sh --session "2026-04-20 06:00:00" > main.sh && sh main.sh')
    .action(async (name: string, { format, session: given, param }: Options) => {
      const config = loadConfig()
      const dag = await loadDag(config, name)
      const plan = compile(dag, config)
      const session = given === undefined ? sessionOf(new Date()) : parseSession(given)
      const { runId, params: all, secrets } = dag.resolve(session, param)
      // A script lies about; who runs it sets the variables of its secrets.
      const params = Object.fromEntries(Object.entries(all).filter(([name]) => !secrets.includes(name)))
      const render = {
        json: () => renderJson(plan),
        mermaid: () => renderMermaid(plan),
        sh: () => renderShell(plan, { runId, session: session.text, params, ...config }),
      }
      process.stdout.write(`${render[format]().trimEnd()}\n`)
    })
}

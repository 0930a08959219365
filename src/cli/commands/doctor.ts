import { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { exitCodes, messageOf } from '../../errors.ts'
import { examineDumps } from '../doctor/dumps.ts'
import { examineDuckDb } from '../doctor/engines.ts'
import { examineFileSystems } from '../doctor/file-systems.ts'
import type { Finding, Verdict } from '../doctor/finding.ts'
import { examineLake } from '../doctor/lake.ts'
import { examineLink } from '../doctor/link.ts'
import { examineMachine } from '../doctor/machine.ts'
import { examineState } from '../doctor/state.ts'
import { oneLine, print, printJson, stateMark, styled } from '../output.ts'
import { cellsOf } from '../table-layout.ts'
import { examples } from './options.ts'

type Examination = (config: Config) => readonly Finding[] | Promise<readonly Finding[]>

const subjects: Readonly<Record<string, Examination>> = {
  machine: (config) => examineMachine(config),
  'file systems': examineFileSystems,
  lake: examineLake,
  link: examineLink,
  state: examineState,
  dumps: (config) => examineDumps(config, new Date()),
  duckdb: examineDuckDb,
  // Loaded when it is needed: the client would slow the start of every other command.
  trino: async (config) => (await import('../doctor/trino.ts')).examineTrino(config),
}

/** `dag doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('looks at everything a run needs and a reader meets, says what is wrong and what to do; changes nothing')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
✔ sound, ✖ wrong, ↻ a warning, – nothing to judge. The exit code is 1 when something is wrong. The file system of the lake is tried with
small files in .probe-…, and Trino is asked to read one below _meta/; both are removed again.
${examples('dag doctor', 'dag doctor --json | jq \'.findings[] | select(.verdict == "wrong")\'')}`,
    )
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      const findings: Finding[] = []
      for (const [subject, examine] of Object.entries(subjects)) {
        const found = await findingsOf(subject, examine, config)
        findings.push(...found)
        if (!json) for (const finding of found) print(shown(finding))
      }
      const wrong = findings.filter(({ verdict }) => verdict === 'wrong').length
      if (json) printJson({ ok: wrong === 0, findings })
      else print(wrong === 0 ? '\nnothing is wrong' : `\n${wrong} wrong`)
      if (wrong > 0) process.exitCode = exitCodes.failed
    })
}

/** An examination that fails has found something. */
async function findingsOf(subject: string, examine: Examination, config: Config): Promise<readonly Finding[]> {
  try {
    return await examine(config)
  } catch (error) {
    return [
      { subject, check: 'examination', verdict: 'wrong', found: messageOf(error), advice: 'mend this first, then look again' },
    ]
  }
}

const states: Readonly<Record<Verdict, string>> = { ok: 'success', wrong: 'failed', warn: 'retry_wait', none: 'skipped' }
const nameCells = 22

/** A line, and what to do on a second one. */
function shown({ subject, check, verdict, found, advice }: Finding): string {
  const name = `${subject} ${check}`
  const line = `${stateMark(states[verdict])} ${name}${' '.repeat(Math.max(1, nameCells - cellsOf(name)))}${oneLine(found)}`
  return advice === null ? line : `${line}\n${' '.repeat(nameCells + 2)}${styled('dim', '→')} ${oneLine(advice)}`
}

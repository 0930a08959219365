/** Reads the commands out of the documents and the examples out of `--help`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'

export const projectDir = join(import.meta.dirname, '../..')

/** A command as it is written, and the output that the document shows below it. */
export interface Documented {
  readonly command: string
  readonly shown: readonly string[]
}

export interface Block {
  /** `README.md:33` */
  readonly place: string
  /** Of the fence, such as `sql`. */
  readonly language: string
  readonly lines: readonly string[]
}

export function blocksOf(file: string): readonly Block[] {
  const text = readFileSync(join(projectDir, file), 'utf8')
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ index, 1: language = '', 2: body = '' }) => {
    const line = text.slice(0, index).split('\n').length
    return { place: `${file}:${line}`, language, lines: body.trimEnd().split('\n') }
  })
}

const beginsCommand = /^(?:[A-Z_]+=\S+ )*(?:npm|npx|bin\/dag|dag|docker|systemctl|sqlite3|duckdb|mkdir|node|git|curl|java|mvn) /

/** Commands of a block; none when it shows something else. After `$ `, other lines are output. */
export function commandsOf({ lines }: Block): readonly Documented[] {
  const hasPrompts = lines.some((line) => line.startsWith('$ '))
  if (!hasPrompts && !beginsCommand.test(lines[0] ?? '')) return []
  const found: { command: string; shown: string[] }[] = []
  for (const line of lines) {
    const last = found.at(-1)
    if (last !== undefined && last.shown.length === 0 && isOpen(last.command)) last.command += `\n${line}`
    else if (!hasPrompts || line.startsWith('$ ')) found.push({ command: line.replace(/^\$ /, ''), shown: [] })
    else last?.shown.push(line)
  }
  return found.map(({ command, shown }) => ({ command: withoutRemark(command), shown })).filter(({ command }) => command !== '')
}

/** Goes on in the next line. */
function isOpen(command: string): boolean {
  const isQuoted = (mark: string): boolean => command.split(mark).length % 2 === 0
  return command.endsWith('\\') || isQuoted('"') || (!command.includes('"') && isQuoted("'"))
}

/** Without what a document says beside a command. */
function withoutRemark(command: string): string {
  return command.includes('\n') ? command : command.replace(/ {2,}#.*$| {3,}\S.*$/, '').trim()
}

/** Examples of a command's help and of its subcommands. */
export function examplesOf(command: Command): readonly string[] {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp()
  return [...examplesIn(text), ...command.commands.flatMap(examplesOf)]
}

export function examplesIn(help: string): readonly string[] {
  return [...help.matchAll(/^Examples?:\n((?: {2}.*\n?)+)/gm)].flatMap(({ 1: lines = '' }) =>
    lines
      .trimEnd()
      .split('\n')
      .map((line) => withoutRemark(line.trim())),
  )
}

/** Every command of the command line, in the order of its help. */
export async function allCommands(): Promise<readonly Command[]> {
  const text = readFileSync(join(projectDir, 'src/cli/dag.ts'), 'utf8')
  const loaders = [...text.matchAll(/import\('\.\/commands\/([\w-]+\.ts)'\)\)\.(\w+)\(\)/g)]
  return await Promise.all(
    loaders.map(async ({ 1: file = '', 2: name = '' }) => {
      const module = (await import(join(projectDir, 'src/cli/commands', file))) as Readonly<Record<string, () => Command>>
      const make = module[name]
      if (make === undefined) throw new Error(`${file} has no ${name}`)
      return make()
    }),
  )
}

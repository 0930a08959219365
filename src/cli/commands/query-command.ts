import { Command, type ParseOptionsResult } from 'commander'

/** A command whose argument is SQL, which may begin with a comment: `--`. */
export class QueryCommand extends Command {
  override parseOptions(args: string[]): ParseOptionsResult {
    const comments = args.filter((arg) => this.#isComment(arg))
    const parsed = super.parseOptions(args.filter((arg) => !comments.includes(arg)))
    return { ...parsed, operands: [...parsed.operands, ...comments] }
  }

  /** An option is one word, or has a value behind `=`; SQL behind a comment is on another line. */
  #isComment(arg: string): boolean {
    if (!arg.startsWith('--') || arg === '--') return false
    const name = /^--[a-z][a-z-]*(?==|$)/.exec(arg)?.[0]
    if (name === undefined) return true
    return arg.includes('\n') && !this.options.some(({ long }) => long === name)
  }
}

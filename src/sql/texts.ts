/** The SQL texts of the project: `sql/<name>.sql`, one question a file. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PipelineError } from '../errors.ts'
import type { NamedSql } from './engine.ts'
import type { SqlFragment } from './quote.ts'

const directory = join(import.meta.dirname, '../../sql')

/**
 * Reads `sql/<name>.sql` and fills its `{{placeholders}}`.
 * @throws PipelineError when there is no such file, or its placeholders are not exactly the names in `fragments`
 */
export async function loadSql(name: string, fragments: Readonly<Record<string, SqlFragment>> = {}): Promise<NamedSql> {
  const file = join(directory, `${name}.sql`)
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new PipelineError(`SQL text ${file} cannot be read`, { retryable: false, cause })
  })
  return { name: `sql/${name}.sql`, text: fillSql(text, fragments, name) }
}

/** Puts a fragment in the place of each `{{name}}`. */
export function fillSql(text: string, fragments: Readonly<Record<string, SqlFragment>>, name: string): string {
  const unused = new Set(Object.keys(fragments))
  const filled = text.replaceAll(/\{\{(\w+)\}\}/g, (_, placeholder: string) => {
    const fragment = fragments[placeholder]
    if (fragment === undefined)
      throw new PipelineError(`SQL text ${name}: nothing is given for {{${placeholder}}}`, { retryable: false })
    unused.delete(placeholder)
    return fragment.sql
  })
  if (unused.size > 0) throw new PipelineError(`SQL text ${name} has no {{${[...unused].join('}}, {{')}}}`, { retryable: false })
  return filled
}

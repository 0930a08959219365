/** Parameters as literals: the server would take them bound only in a header, which has a limit. */
import { PipelineError } from '../../errors.ts'
import type { SqlValue } from '../engine.ts'
import { quoteText } from '../quote.ts'
import type { Edit } from './rewrite.ts'
import type { Token } from './tokens.ts'

const maxInteger = 2 ** 31

/**
 * An edit for each `?` outside texts, names and comments. Without parameters a `?` is left to the server.
 * @throws PipelineError when their number differs, or a value cannot be written
 */
export function bindParameters(tokens: readonly Token[], params: readonly SqlValue[], name: string): Edit[] {
  if (params.length === 0) return []
  const places = tokens.filter(({ kind, text }) => kind === 'mark' && text === '?')
  if (places.length !== params.length) {
    throw new PipelineError(`trino: ${name}: ${params.length} parameters are given for ${places.length} ?`, { retryable: false })
  }
  return places.map(({ at }, index) => ({ at, length: 1, insert: literalOf(params[index] ?? null, index + 1, name) }))
}

/** Typed, and one token for the grammar around it: `5 - ?` with -5 must not become a comment. */
function literalOf(value: SqlValue, number: number, name: string): string {
  switch (typeof value) {
    case 'string':
      if (value.isWellFormed()) return quoteText(value)
      throw new PipelineError(`trino: ${name}: parameter ${number} holds half a surrogate pair, which is no text`, {
        retryable: false,
      })
    case 'bigint':
      return `BIGINT '${value}'`
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      return numberLiteral(value)
    default:
      return 'NULL'
  }
}

/** LIMIT and OFFSET take nothing but digits. */
function numberLiteral(value: number): string {
  if (Number.isNaN(value)) return 'nan()'
  if (!Number.isFinite(value)) return value > 0 ? 'infinity()' : '(-infinity())'
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return `DOUBLE '${Object.is(value, -0) ? '-0' : value}'`
  if (value >= 0 && value < maxInteger) return String(value)
  return value >= -maxInteger && value < 0 ? `INTEGER '${value}'` : `BIGINT '${value}'`
}

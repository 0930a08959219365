import type { Column, FlatPart, Reader, Source } from '../../src/discogs/dataset.ts'

/** What a reader does besides taking the text as it is. */
const readerNotes: Readonly<Partial<Record<Reader, string>>> = {
  year: '0 is NULL',
  clock: 'as [H:]M:S',
  'date-year': 'its year',
  'date-month': 'its month',
  'date-day': 'its day',
}

/** Where a column comes from, as a person reads it. */
export function sourceInWords({ source }: Column): string {
  if (source === null) return 'SQL'
  if (isSource(source)) return inWords(source)
  return Object.entries(source)
    .map(([label, one]) => `\`${label}\`: ${inWords(one)}`)
    .join('; ')
}

function isSource(source: NonNullable<Column['source']>): source is Source {
  return typeof source.from === 'string'
}

function inWords(source: Source): string {
  switch (source.from) {
    case 'record-id':
      return 'id of the record'
    case 'record':
      return `\`${source.path}\` of the record`
    case 'row':
      return `${source.path === '.' ? 'its text' : `\`${source.path}\``}${note(source.read)}`
    case 'position':
      return 'counted'
    case 'label':
      return 'which element it is'
    case 'outer-position':
      return 'the element around it, counted'
    case 'sequence':
      return 'the track, counted'
    case 'parent-sequence':
      return 'the track around it, counted'
    case 'joined':
      return `\`${source.path}\``
    case 'flat':
      return `\`${source.path}\`: ${source.parts.map(partInWords).join('')}`
  }
}

function partInWords({ path, before, open = '', close = '' }: FlatPart): string {
  return `${before}${open}\`${path}\`${close}`
}

function note(read: Reader): string {
  const found = readerNotes[read]
  return found === undefined ? '' : `, ${found}`
}

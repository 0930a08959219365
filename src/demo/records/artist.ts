import { element, markupOf } from '../markup.ts'
import { artistName, personName, proseFrom, streams, titleFrom } from '../names.ts'
import { Random } from '../random.ts'
import { artistRelations, idOf, type World } from '../world.ts'
import { dataQuality, images, urls, type Writing } from './parts.ts'

/** The record of one artist, on one line but for the line ends in its texts. */
export function artistRecord(world: World, index: number): string {
  const random = new Random(world.seed, streams.artist, index, world.revision('artists', index))
  const writing: Writing = { world, markup: markupOf(world.shape), random }
  const { text, optional } = writing.markup
  const { aliases, members, groups } = artistRelations(index)
  const isPerson = members.length === 0 && random.chance(60)
  return element(
    'artist',
    images(writing) +
      element('id', String(idOf(index))) +
      element('name', text(artistName(world, index))) +
      (isPerson ? element('realname', text(personName(random))) : '') +
      optional('profile', random.chance(55) ? proseFrom(random, random.between(1, 4)) : '') +
      dataQuality(index, random) +
      (random.chance(50) ? urls(writing) : '') +
      nameVariations(writing) +
      others(writing, 'aliases', aliases) +
      others(writing, 'members', members) +
      others(writing, 'groups', groups),
  )
}

function nameVariations({ markup, random }: Writing): string {
  if (random.chance(40)) return ''
  let list = ''
  for (let left = random.between(1, 6); left > 0; left--)
    list += element('name', markup.text(titleFrom(random, random.between(1, 2))))
  return element('namevariations', list)
}

/** In 2020 the id of a member stood before the name as well. */
function others({ world, markup }: Writing, name: 'aliases' | 'members' | 'groups', indexes: readonly number[]): string {
  const list = indexes.map((other) => {
    const id = idOf(other)
    const before = name === 'members' && markup.shape === '2020' ? element('id', String(id)) : ''
    return `${before}<name id="${id}">${markup.text(artistName(world, other))}</name>`
  })
  return list.length === 0 ? '' : element(name, list.join(''))
}

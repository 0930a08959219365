import { element, markupOf } from '../markup.ts'
import { addressFrom, capitalWords, labelName, personName, proseFrom, streams } from '../names.ts'
import { Random } from '../random.ts'
import { words } from '../words.ts'
import { idOf, labelRelations, type World } from '../world.ts'
import { dataQuality, images, urls, type Writing } from './parts.ts'

/** The record of one label. */
export function labelRecord(world: World, index: number): string {
  const random = new Random(world.seed, streams.label, index, world.revision('labels', index))
  const writing: Writing = { world, markup: markupOf(world.shape), random }
  const { text } = writing.markup
  return element(
    'label',
    images(writing) +
      element('id', String(idOf(index))) +
      element('name', text(labelName(world, index))) +
      (random.chance(40) ? element('contactinfo', text(contact(random, labelName(world, index)))) : '') +
      (random.chance(45) ? element('profile', text(proseFrom(random, random.between(1, 5)))) : '') +
      dataQuality(index, random) +
      parentLabel(writing, index) +
      (random.chance(50) ? urls(writing) : '') +
      sublabels(writing, index),
  )
}

function contact(random: Random, name: string): string {
  const street = `${random.between(1, 400)} ${random.pick(capitalWords)} Street`
  const lines = [name, `c/o ${personName(random)}`, street, `E-mail: <info@${random.pick(words)}.example>`, addressFrom(random)]
  return lines.join('\r\n')
}

function parentLabel({ world, markup }: Writing, index: number): string {
  const { parent } = labelRelations(index)
  return parent === null ? '' : `<parentLabel id="${idOf(parent)}">${markup.text(labelName(world, parent))}</parentLabel>`
}

/** Some have lost the ids and names of their sublabels, as in life. */
function sublabels({ world, markup, random }: Writing, index: number): string {
  const below = labelRelations(index).sublabels
  if (below.length === 0) return ''
  const isLost = random.chance(10)
  const list = below.map((other) =>
    isLost ? '<label/>' : `<label id="${idOf(other)}">${markup.text(labelName(world, other))}</label>`,
  )
  return element('sublabels', list.join(''))
}

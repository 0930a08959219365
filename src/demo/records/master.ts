import { element, markupOf } from '../markup.ts'
import { proseFrom, streams } from '../names.ts'
import { Random } from '../random.ts'
import { artistsFor, idOf, mainReleaseOf, type World } from '../world.ts'
import { creditOf, dataQuality, images, listOf, randomRole, videos, type Writing } from './parts.ts'
import { type Work, workOfMaster } from './work.ts'

/** Every so many masters one keeps what older dumps had: the role and the tracks of an artist. */
const oldEvery = 30

/** The record of one master. */
export function masterRecord(world: World, index: number): string {
  const random = new Random(world.seed, streams.master, index, world.revision('masters', index))
  const writing: Writing = { world, markup: markupOf(world.shape), random }
  const { markup } = writing
  const work = workOfMaster(world, index)
  const content =
    element('main_release', String(idOf(mainReleaseOf(index)))) +
    images(writing) +
    element('artists', artists(writing, index, work)) +
    listOf('genres', 'genre', work.genres, markup) +
    (work.styles.length === 0 ? '' : listOf('styles', 'style', work.styles, markup)) +
    (random.chance(10) ? element('notes', markup.text(proseFrom(random, random.between(1, 3)))) : '') +
    element('year', random.chance(4) ? '0' : String(work.year)) +
    element('title', markup.text(work.title)) +
    dataQuality(index, random) +
    (random.chance(70) ? videos(writing, work.title, random.between(1, 4)) : '')
  return `<master id="${idOf(index)}">${content}</master>`
}

function artists(writing: Writing, index: number, work: Work): string {
  const { random } = writing
  const isOld = index % oldEvery === 1
  const known = artistsFor(mainReleaseOf(index))
  return work.artists
    .map((artist, place) => {
      const joined = place < work.artists.length - 1 || random.chance(60)
      return creditOf(writing, artist, known, { role: isOld ? randomRole(random) : '', tracks: isOld ? 'A1 to A3' : '', joined })
    })
    .join('')
}

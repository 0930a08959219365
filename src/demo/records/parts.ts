/** Elements that several dumps have. */
import { dataQualities } from '../../discogs/declare.ts'
import { element, type Markup } from '../markup.ts'
import { addressFrom, artistName, proseFrom, titleFrom } from '../names.ts'
import type { Random } from '../random.ts'
import { joins, roles, words } from '../words.ts'
import { deletedId, idOf, type World } from '../world.ts'

/** What a record is written with. */
export interface Writing {
  readonly world: World
  readonly markup: Markup
  readonly random: Random
}

/** Every 40 records show every quality; most are as in life. */
export function dataQuality(index: number, random: Random): string {
  const quality = dataQualities[index % 40] ?? (random.chance(60) ? dataQualities[0] : dataQualities[2])
  return element('data_quality', quality)
}

/** The dumps had images, without their addresses, until 2024. */
export function images({ markup, random }: Writing): string {
  if (markup.shape !== '2020' || random.chance(40)) return ''
  let list = ''
  for (let left = random.between(1, 4); left > 0; left--) {
    const type = list === '' ? 'primary' : 'secondary'
    list += `<image type="${type}" uri="" uri150="" width="${random.between(90, 600)}" height="${random.between(90, 600)}"/>`
  }
  return element('images', list)
}

export function urls({ markup, random }: Writing): string {
  let list = ''
  for (let left = random.between(0, 4); left > 0; left--)
    list += random.chance(1) ? '<url/>' : element('url', markup.text(addressFrom(random)))
  return list === '' ? '' : element('urls', list)
}

/** What a credit of an artist says besides who it is. */
export interface Credit {
  readonly role: string
  readonly tracks: string
  /** Whether another artist follows. */
  readonly joined: boolean
  /** Whether a name variation is certain, not just possible. */
  readonly varied?: boolean
}

/** `<artist>` of a release, a track or a master. @param artists how many artists there are to choose from */
export function creditOf(
  writing: Writing,
  artist: number,
  artists: number,
  { role, tracks, joined, varied = false }: Credit,
): string {
  const { world, markup, random } = writing
  const name = artistName(world, artist)
  const anv = varied || random.chance(15) ? `${name.charAt(0)}. ${titleFrom(random, 1)}` : ''
  return element(
    'artist',
    element('id', creditedId(random, artist, artists)) +
      element('name', markup.text(name)) +
      markup.optional('anv', anv) +
      markup.optional('join', joined ? random.pick(joins) : '') +
      markup.optional('role', role) +
      markup.optional('tracks', tracks),
  )
}

/** Nearly always the artist's; a few credits name nobody (0), or somebody who has been deleted. */
function creditedId(random: Random, artist: number, artists: number): string {
  const draw = random.below(1000)
  if (draw < 2) return '0'
  return String(draw < 5 ? deletedId(artists, random.next()) : idOf(artist))
}

export function randomRole(random: Random): string {
  return random.chance(20) ? `${random.pick(roles)}, ${random.pick(roles)}` : random.pick(roles)
}

export function videos({ markup, random }: Writing, title: string, count: number): string {
  let list = ''
  for (let left = count; left > 0; left--) {
    const description = random.chance(85) ? proseFrom(random, random.between(1, 4)) : ''
    const address = `https://video.example/watch?v=${random.next().toString(36)}&t=${random.below(60)}`
    const attributes = `src="${markup.attribute(address)}" duration="${random.below(900)}" embed="${random.chance(93)}"`
    const heading = `${title} — ${random.pick(words)}`
    list += `<video ${attributes}>${element('title', markup.text(heading))}${markup.optional('description', description)}</video>`
  }
  return markup.container('videos', list)
}

export function listOf(name: string, member: string, values: readonly string[], markup: Markup): string {
  return markup.container(name, values.map((value) => element(member, markup.text(value))).join(''))
}

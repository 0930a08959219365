import { element, markupOf } from '../markup.ts'
import { labelName, proseFrom, streams } from '../names.ts'
import { Random } from '../random.ts'
import { countries } from '../words.ts'
import { artistsFor, deletedId, idOf, labelsFor, mainReleaseOf, masterOf, type World } from '../world.ts'
import { creditOf, dataQuality, images, listOf, randomRole, videos, type Writing } from './parts.ts'
import { companyList, formatList, identifierList } from './release-parts.ts'
import { trackList } from './tracks.ts'
import { type Work, workOfRelease } from './work.ts'

/** Every so many releases one keeps what older dumps had: the status, and the role and tracks of a main artist. */
const oldEvery = 100

/** The record of one release. */
export function releaseRecord(world: World, index: number): string {
  const random = new Random(world.seed, streams.release, index, world.revision('releases', index))
  const writing: Writing = { world, markup: markupOf(world.shape), random }
  const { markup } = writing
  const work = workOfRelease(world, index)
  const isOld = index % oldEvery === 7
  const isCompilation = random.chance(7)
  const content =
    images(writing) +
    mainArtists(writing, index, work, isOld) +
    element('title', markup.text(work.title)) +
    labelList(writing, index) +
    seriesList(writing, index) +
    extraArtists(writing, index) +
    formatList(writing) +
    listOf('genres', 'genre', work.genres, markup) +
    (work.styles.length === 0 ? '' : listOf('styles', 'style', work.styles, markup)) +
    element('country', markup.text(random.pick(countries))) +
    released(writing, work.year) +
    (random.chance(65) ? element('notes', markup.text(proseFrom(random, random.between(1, 5)))) : '') +
    dataQuality(index, random) +
    masterId(index) +
    trackList(writing, { release: index, artists: artistsFor(index), isCompilation }) +
    identifierList(writing) +
    (random.chance(60) ? videos(writing, work.title, random.between(1, 4)) : '') +
    companyList(writing, index) +
    (world.shape === 'tomorrow' ? element('weight_grams', String(random.between(40, 220))) : '')
  const status = isOld || world.shape === '2020' ? ' status="Accepted"' : ''
  return `<release id="${idOf(index)}"${status}>${content}</release>`
}

function mainArtists(writing: Writing, index: number, work: Work, isOld: boolean): string {
  const [role, tracks] = isOld ? [randomRole(writing.random), '1 to 4'] : ['', '']
  const credits = work.artists.map((artist, place) =>
    creditOf(writing, artist, artistsFor(index), { role, tracks, joined: place < work.artists.length - 1 }),
  )
  return element('artists', credits.join(''))
}

function extraArtists(writing: Writing, index: number): string {
  const { markup, random } = writing
  const artists = artistsFor(index)
  let list = ''
  for (let left = random.between(0, 6); left > 0; left--) {
    const tracks = random.chance(15) ? `A${random.between(1, 3)} to B${random.between(1, 4)}` : ''
    const joined = index % oldEvery === 7
    list += creditOf(writing, random.skewed(artists), artists, { role: randomRole(random), tracks, joined })
  }
  return markup.container('extraartists', list)
}

/** Some releases name two labels, and one label with two numbers. */
function labelList(writing: Writing, index: number): string {
  const { random } = writing
  const count = random.chance(80) ? 1 : random.between(2, 3)
  const names = Array.from({ length: count }, () => labelElement(writing, 'label', index))
  return element('labels', names.join(''))
}

function seriesList(writing: Writing, index: number): string {
  return writing.random.chance(5) ? element('series', labelElement(writing, 'series', index)) : ''
}

function labelElement({ world, markup, random }: Writing, name: 'label' | 'series', index: number): string {
  const labels = labelsFor(index)
  const label = random.skewed(labels)
  const id = random.chance(0.3) ? deletedId(labels, random.next()) : idOf(label)
  const number = random.chance(8) ? 'none' : `${labelName(world, label).slice(0, 3).toUpperCase()} ${random.between(1, 999)}`
  const catno = name === 'series' ? `Vol. ${random.between(1, 20)}` : number
  return `<${name} name="${markup.attribute(labelName(world, label))}" catno="${markup.attribute(catno)}" id="${id}"/>`
}

/** A date in one of the ways that people write it, and nothing when nobody knows. */
function released({ markup, random }: Writing, year: number): string {
  const month = String(random.between(1, 12)).padStart(2, '0')
  const day = String(random.between(1, 28)).padStart(2, '0')
  const draw = random.below(100)
  if (draw < 35) return element('released', String(year))
  if (draw < 65) return element('released', `${year}-${month}-${day}`)
  if (draw < 85) return element('released', `${year}-${month}-00`)
  if (draw < 88) return element('released', `${year}-${month}`)
  if (draw < 90) return element('released', `${year}-00-00`)
  if (draw < 91) return element('released', random.chance(50) ? '?' : `c. ${year}`)
  return markup.optional('released', '')
}

function masterId(index: number): string {
  const master = masterOf(index)
  if (master === null) return ''
  return `<master_id is_main_release="${mainReleaseOf(master) === index}">${idOf(master)}</master_id>`
}

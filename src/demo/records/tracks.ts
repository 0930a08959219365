/** The tracks of a release, with their own credits and with tracks inside tracks. */
import { element } from '../markup.ts'
import { titleFrom } from '../names.ts'
import type { Random } from '../random.ts'
import { creditOf, randomRole, type Writing } from './parts.ts'

/** Every so many releases one has a suite: tracks in a track in a track. */
const suiteEvery = 50

export interface TrackList {
  readonly release: number
  /** How many artists there are to choose from. */
  readonly artists: number
  readonly isCompilation: boolean
  /** Whether every track has credits of both kinds with all their parts. */
  readonly isFull?: boolean
}

export function trackList(writing: Writing, list: TrackList): string {
  const { random } = writing
  const count = random.chance(70) ? random.between(1, 6) : random.between(7, 16)
  let tracks = ''
  for (let number = 1; number <= count; number++) {
    if (number % 8 === 1 && random.chance(8)) tracks += heading(writing)
    tracks += track(writing, list, positionOf(random, number), '')
  }
  if (list.release % suiteEvery === 3) tracks += suite(writing, list, count + 1)
  else if (random.chance(3)) tracks += medley(writing, list, count + 1)
  return element('tracklist', tracks)
}

/** Divides the list; it has neither position nor duration. */
function heading({ markup, random }: Writing): string {
  return element(
    'track',
    markup.optional('position', '') + element('title', markup.text(titleFrom(random, 2))) + markup.optional('duration', ''),
  )
}

function track(writing: Writing, list: TrackList, position: string, subTracks: string): string {
  const { markup, random } = writing
  return element(
    'track',
    markup.optional('position', position) +
      markup.optional('title', random.chance(0.5) ? '' : titleFrom(random, random.between(1, 4))) +
      markup.optional('duration', durationFrom(random)) +
      trackArtists(writing, list) +
      trackExtras(writing, list) +
      subTracks,
  )
}

function trackArtists(writing: Writing, { artists, isCompilation, isFull = false }: TrackList): string {
  const { random } = writing
  if (!isCompilation && !isFull && !random.chance(4)) return ''
  const rest = isFull ? { role: randomRole(random), tracks: '1, 2', varied: true } : { role: '', tracks: '' }
  const first = creditOf(writing, random.skewed(artists), artists, { ...rest, joined: true })
  return element('artists', first + creditOf(writing, random.skewed(artists), artists, { ...rest, joined: false }))
}

function trackExtras(writing: Writing, { artists, isFull = false }: TrackList): string {
  const { random } = writing
  if (!isFull && random.chance(75)) return ''
  const rest = isFull ? { tracks: '1 & 2', varied: true } : { tracks: '' }
  let list = ''
  for (let left = random.between(1, 3); left > 0; left--) {
    list += creditOf(writing, random.skewed(artists), artists, { ...rest, role: randomRole(random), joined: isFull })
  }
  return element('extraartists', list)
}

function medley(writing: Writing, list: TrackList, number: number): string {
  const parts = ['a', 'b', 'c'].map((part) => track(writing, list, `${number}${part}`, ''))
  return track(writing, list, String(number), element('sub_tracks', parts.join('')))
}

/** Two deep, with full credits at every depth: what is rare in life has a place to be found. */
function suite(writing: Writing, { release, artists }: TrackList, number: number): string {
  const list = { release, artists, isCompilation: false, isFull: true }
  const scenes = track(writing, list, `${number}.1.a`, '') + track(writing, list, `${number}.1.b`, '')
  const acts = track(writing, list, `${number}.1`, element('sub_tracks', scenes)) + track(writing, list, `${number}.2`, '')
  return track(writing, list, String(number), element('sub_tracks', acts))
}

function positionOf(random: Random, number: number): string {
  const draw = random.below(20)
  if (draw < 10) return `${number % 2 === 1 ? 'A' : 'B'}${Math.ceil(number / 2)}`
  return draw < 18 ? String(number) : `CD1-${number}`
}

/** Mostly minutes and seconds; also hours, nothing, and what people write instead. */
function durationFrom(random: Random): string {
  const draw = random.below(100)
  const seconds = String(random.below(60)).padStart(2, '0')
  if (draw < 70) return `${random.between(0, 14)}:${seconds}`
  if (draw < 73) return `1:${String(random.below(60)).padStart(2, '0')}:${seconds}`
  if (draw < 75) return `(${random.between(1, 9)}'${seconds})`
  return ''
}

/** Names and texts. A name depends on the seed and the record alone, since other records repeat it. */
import { Random } from './random.ts'
import { firstNames, foreignWords, lastNames, words } from './words.ts'
import type { World } from './world.ts'

/** Keeps apart what is drawn for different purposes. */
export const streams = { artistName: 1, labelName: 2, work: 3, artist: 4, label: 5, master: 6, release: 7, phrases: 8 } as const

export const capitalWords = mapWords((word) => word.charAt(0).toUpperCase() + word.slice(1))

/** Prose is put together from these: drawing it word by word would take most of the time of a big dump. */
const phrases = makePhrases()

export function artistName(world: World, index: number): string {
  const random = new Random(world.seed, streams.artistName, index)
  const name = artistNameFrom(random)
  // Discogs numbers artists who share a name.
  return random.chance(8) ? `${name} (${random.between(2, 40)})` : name
}

function artistNameFrom(random: Random): string {
  const kind = random.below(10)
  if (kind < 4) return personName(random)
  if (kind === 4) return `${random.pick(foreignWords)} ${random.pick(capitalWords)}`
  if (kind === 5) return `${random.pick(capitalWords)} & The ${random.pick(capitalWords)}s`
  if (kind === 6) return `DJ ${random.pick(capitalWords)}${random.between(1, 99)}`
  return titleFrom(random, random.between(1, 3))
}

export function personName(random: Random): string {
  return `${random.pick(firstNames)} ${random.pick(lastNames)}`
}

export function labelName(world: World, index: number): string {
  const random = new Random(world.seed, streams.labelName, index)
  const name = random.chance(15) ? random.pick(foreignWords) : titleFrom(random, random.between(1, 2))
  const kind = random.pick(['Records', 'Recordings', 'Music', 'Ltd.', '& Sons', 'Tapes', 'GmbH & Co. KG', 'Studios'])
  return random.chance(6) ? `${name} ${kind} (${random.between(2, 9)})` : `${name} ${kind}`
}

/** Capitalised words, now and then one of another script. */
export function titleFrom(random: Random, count: number): string {
  let title = ''
  for (let word = 0; word < count; word++) {
    const next = random.chance(6) ? random.pick(foreignWords) : random.pick(capitalWords)
    title += word === 0 ? next : ` ${next}`
  }
  return random.chance(2) ? `"${title}" <live>` : title
}

/** Lines of prose; the dumps end most lines with `&#13;` and a line feed. */
export function proseFrom(random: Random, lines: number): string {
  let prose = ''
  for (let line = 0; line < lines; line++) {
    if (line > 0) prose += random.chance(80) ? '\r\n' : '\n'
    prose += sentenceFrom(random)
  }
  return prose
}

function sentenceFrom(random: Random): string {
  let sentence = random.pick(capitalWords)
  for (let left = random.between(1, 4); left > 0; left--) sentence += random.pick(phrases)
  if (random.chance(12)) sentence += ` & [a=${personName(random)}]`
  if (random.chance(8)) sentence += ` – ${random.pick(foreignWords)}`
  return `${sentence}.`
}

export function addressFrom(random: Random): string {
  const word = random.pick(words)
  const path = random.chance(40)
    ? `/${random.pick(words)}?id=${random.below(100_000)}&lang=${random.pick(['en', 'de', 'ja'])}`
    : ''
  return `https://${random.chance(50) ? 'www.' : ''}${word}-${random.pick(words)}.example${path}`
}

function mapWords(change: (word: string) => string): readonly [string, ...string[]] {
  const [first, ...rest] = words
  return [change(first), ...rest.map(change)]
}

/** Three words each, with the space before them. */
function makePhrases(): readonly [string, ...string[]] {
  const random = new Random(streams.phrases)
  const phrase = (): string => ` ${random.pick(words)} ${random.pick(words)} ${random.pick(words)}`
  return [phrase(), ...Array.from({ length: 8191 }, phrase)]
}

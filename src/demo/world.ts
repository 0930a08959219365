/**
 * The made-up world that all four dumps tell of: how many records there are, what their ids are, and who belongs to whom. Pure arithmetic
 * on the number of a record, so that any record can be written without looking at another one, and a bigger world contains a smaller one.
 *
 * Records are counted 1, 2, 3 …: their `index`. Ten releases come with 3 masters, 6 artists and 2 labels.
 */
import type { DumpName } from '../discogs/dataset.ts'

/**
 * `today`: as the dumps are since 2025. `2020`: with images, status, resource_url, empty elements, character references.
 * `tomorrow`: as today, with an element in releases that no column takes.
 */
export type Shape = 'today' | '2020' | 'tomorrow'

export interface World {
  /** Another seed, another world. */
  readonly seed: number
  readonly shape: Shape
  /** Which version of a record is written; structure and names stay, other values are drawn again. */
  readonly revision: (dump: DumpName, index: number) => number
}

export type Sizes = Readonly<Record<DumpName, number>>

/** Artists and labels come in blocks whose members refer to each other. */
const artistBlock = 12
const labelBlock = 8

export function sizesOf(releases: number): Sizes {
  return { artists: artistsFor(releases), labels: labelsFor(releases), masters: mastersFor(releases), releases }
}

/** Artists that the first `releases` releases may name, in whole blocks. */
export function artistsFor(releases: number): number {
  return artistBlock * Math.ceil((30 + (releases * 3) / 5) / artistBlock)
}

/** Labels, series and companies that the first `releases` releases may name, in whole blocks. */
export function labelsFor(releases: number): number {
  return labelBlock * Math.ceil((8 + releases / 5) / labelBlock)
}

/** As many as have their main release among the first `releases`. */
function mastersFor(releases: number): number {
  const rest = releases % 10
  return 3 * Math.floor(releases / 10) + mainPlaces.filter((place) => place < rest).length
}

/** Of ten releases, the master of each: three, two and one of a master, four without; and which of them is the main one. */
const masterPlaces = [0, 0, 0, 1, 1, 2, null, null, null, null] as const
const mainPlaces = [0, 3, 5] as const

/** Index of the master of a release, null when it has none. */
export function masterOf(release: number): number | null {
  const place = masterPlaces[(release - 1) % 10]
  return typeof place === 'number' ? 3 * Math.floor((release - 1) / 10) + place + 1 : null
}

/** Index of the main release of a master. */
export function mainReleaseOf(master: number): number {
  return 10 * Math.floor((master - 1) / 3) + (mainPlaces[(master - 1) % 3] ?? 0) + 1
}

/** The id of a record; every tenth id is of a deleted one. */
export function idOf(index: number): number {
  return index + Math.floor((index - 1) / 9)
}

/** An id that no record has, below those of the first `count`. */
export function deletedId(count: number, choice: number): number {
  return 10 * (1 + (choice % Math.max(1, Math.floor(count / 9))))
}

export interface ArtistRelations {
  readonly aliases: readonly number[]
  readonly members: readonly number[]
  readonly groups: readonly number[]
}

/** By places in the block: who is one person, and which group (first) has which members. */
const artistPatterns = [
  {
    aliases: [[6, 7, 8]],
    groups: [
      [0, 1, 2, 3],
      [4, 1, 5],
    ],
  },
  {
    aliases: [
      [1, 6],
      [7, 8],
    ],
    groups: [[0, 1, 2, 3, 4, 5]],
  },
  { aliases: [[0, 1]], groups: [[9, 10, 11]] },
] as const

/** Aliases, members and groups as indexes: what one record says the other one says too. */
export function artistRelations(index: number): ArtistRelations {
  const block = Math.floor((index - 1) / artistBlock)
  const place = (index - 1) % artistBlock
  const { aliases, groups } = artistPatterns[block % artistPatterns.length] ?? artistPatterns[0]
  const toIndex = (other: number): number => block * artistBlock + other + 1
  const person = aliases.find((places) => places.some((one) => one === place)) ?? []
  return {
    aliases: person.filter((other) => other !== place).map(toIndex),
    members: groups.filter(([group]) => group === place).flatMap(([, ...members]) => members.map(toIndex)),
    groups: groups.filter(([, ...members]) => members.some((one) => one === place)).map(([group]) => toIndex(group)),
  }
}

/** Place of the parent of each place of a block: a label with two sublabels, of which one has a sublabel of its own. */
const labelParents: readonly (number | null)[] = [null, 0, 0, 2, null, 4, null, null]

export interface LabelRelations {
  readonly parent: number | null
  readonly sublabels: readonly number[]
}

export function labelRelations(index: number): LabelRelations {
  const first = labelBlock * Math.floor((index - 1) / labelBlock) + 1
  const place = index - first
  const parent = labelParents[place] ?? null
  return {
    parent: parent === null ? null : first + parent,
    sublabels: labelParents.flatMap((above, below) => (above === place ? [first + below] : [])),
  }
}

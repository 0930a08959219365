/** What a master and all its releases have in common. */
import { streams, titleFrom } from '../names.ts'
import { Random } from '../random.ts'
import { genres, styles } from '../words.ts'
import { artistsFor, mainReleaseOf, masterOf, type World } from '../world.ts'

export interface Work {
  readonly title: string
  /** Indexes. */
  readonly artists: readonly number[]
  readonly genres: readonly string[]
  readonly styles: readonly string[]
  readonly year: number
}

export function workOfMaster(world: World, master: number): Work {
  return drawWork(world, mainReleaseOf(master))
}

/** A release without a master is a work of its own. */
export function workOfRelease(world: World, release: number): Work {
  const master = masterOf(release)
  return drawWork(world, master === null ? release : mainReleaseOf(master))
}

function drawWork(world: World, firstRelease: number): Work {
  const random = new Random(world.seed, streams.work, firstRelease)
  const known = artistsFor(firstRelease)
  const artists = Array.from({ length: random.chance(80) ? 1 : random.between(2, 3) }, () => random.skewed(known))
  return {
    title: titleFrom(random, random.between(1, 4)),
    artists,
    genres: random.several(genres, random.chance(75) ? 1 : 2),
    styles: random.several(styles, random.between(0, 3)),
    year: random.between(1955, 2026),
  }
}

/** What a collection found, in lines for the command line and the log of the task. */
import type { Garbage, Kept } from '../lake/retention.ts'

export const kindNames: Readonly<Record<Garbage['kind'], string>> = {
  snapshot: 'snapshot',
  staging: 'staging',
  trash: 'trash',
  raw: 'dumps',
}

/** One line for each option or command that would let more go: `24 snapshots stay because of --keep-published`. */
export function whatFreesMore(kept: readonly Kept[]): readonly string[] {
  const counts = Map.groupBy(
    kept.filter(({ option }) => option !== null),
    ({ option, kind }) => `${option} ${kind}`,
  )
  return [...counts.values()].flatMap((group) => {
    const [first] = group
    if (first?.option == null) return []
    const things = first.kind === 'raw' ? 'months of dumps' : `snapshot${group.length === 1 ? '' : 's'}`
    const effect = options[first.option] ?? `\`${first.option}\` lets go`
    return [`${group.length} ${things} kept: ${effect}`]
  })
}

const options: Readonly<Record<string, string>> = {
  '--keep': 'a smaller --keep <count> removes more of the newest',
  '--keep-published': '--keep-published <months> removes published snapshots of older months',
  '--measured': '--measured removes unpublished snapshots that the history has measured',
  '--raw-months': 'a smaller --raw-months <months> removes more dumps',
  'dag trigger history': '`dag trigger history` measures them, after which they may go',
}

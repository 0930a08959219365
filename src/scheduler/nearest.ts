/**
 * The candidate that `name` was probably meant to be, for hints.
 * @returns null when nothing is near: more than a third of the characters would have to change
 */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  let best: { readonly candidate: string; readonly distance: number } | null = null
  for (const candidate of candidates) {
    const distance = candidate.includes(name) && name.length > 2 ? 1 : editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance <= Math.max(name.length, candidate.length) / 3 + 1 && (best === null || distance < best.distance))
      best = { candidate, distance }
  }
  return best?.candidate ?? null
}

/** `did you mean "x"?`, or the whole list when nothing is near and the list is short. */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  const found = nearest(name, candidates)
  if (found !== null) return `did you mean ${JSON.stringify(found)}?`
  return candidates.length > 0 && candidates.length <= 20 ? `there are: ${candidates.join(', ')}` : undefined
}

/** Levenshtein distance: insertions, deletions and replacements cost 1. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [row, character] of left.split('').entries()) {
    const current = [row + 1]
    for (const [column, other] of right.split('').entries()) {
      const replaced = (previous[column] ?? 0) + (character === other ? 0 : 1)
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}

/** Many statements or tables, a few at a time. */

/** Statements at once: the file metastore does one at a time, but parsing, planning and the way there overlap. */
const concurrency = 8

/** Does the work of each item, a few at once. @throws the first error, after what had begun has ended */
export async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values()
  let failure: { readonly error: unknown } | null = null
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failure !== null) return
      await work(item).catch((error: unknown) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  throwIfFailed(failure)
}

function throwIfFailed(failure: { readonly error: unknown } | null): void {
  if (failure !== null) throw failure.error
}

/** Cuts a list into pieces of `size`, the last one of what is left. */
export function inGroups<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))
}

/**
 * Delta debugging (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002): a small subset that still
 * fails, in the order of `items`; no single item can be taken away from it, unless `firstFailing` gave up.
 * @param firstFailing which of these subsets fails, the first of them
 */
export async function ddmin<T>(
  items: readonly T[],
  firstFailing: (subsets: readonly (readonly T[])[]) => Promise<number | undefined>,
): Promise<readonly T[]> {
  if (items.length > 0 && (await firstFailing([[]])) !== undefined) return []
  let left = items
  let parts = 2
  while (left.length > 1) {
    const complements = split(left, parts).map((_, index, chunks) =>
      chunks.flatMap((chunk, other) => (other === index ? [] : chunk)),
    )
    const found = await firstFailing(complements)
    const smaller = found === undefined ? undefined : complements[found]
    if (smaller !== undefined) {
      left = smaller
      parts = Math.max(2, parts - 1)
    } else if (parts >= left.length) {
      break
    } else {
      parts = Math.min(left.length, parts * 2)
    }
  }
  return left
}

/** Into `parts` pieces of about the same size. */
function split<T>(items: readonly T[], parts: number): T[][] {
  const count = Math.min(parts, items.length)
  return Array.from({ length: count }, (_, index) =>
    items.slice(Math.floor((index * items.length) / count), Math.floor(((index + 1) * items.length) / count)),
  )
}

import { setTimeout as wait } from 'node:timers/promises'

export interface Patience {
  seconds?: number
  /** Between two looks. */
  pauseMs?: number
}

/**
 * Looks until there is something to see.
 * @throws Error that says what was waited for and what was seen last
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { seconds = 20, pauseMs = 100 }: Patience = {},
): Promise<T> {
  const deadline = performance.now() + seconds * 1000
  let lastError: unknown
  for (;;) {
    try {
      const seen = await look()
      if (seen !== undefined) return seen
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (performance.now() > deadline) break
    await wait(pauseMs)
  }
  const why = lastError instanceof Error ? `; last: ${lastError.message}` : ''
  throw new Error(`expected within ${seconds} s: ${what}${why}`, { cause: lastError })
}

import type { Logger } from 'pino'

/**
 * Runs a handler that may throw, or may be an async function in spite of its type: neither an exception nor a
 * rejection gets further than `failed`.
 */
export function runHandler(handler: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = handler()
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** A warning at the first drop and at every power of ten after it: a flood does not flood the log too. */
export function overflowWarning(log: Logger, pattern: string, limit: number): () => void {
  let dropped = 0
  let next = 1
  return () => {
    dropped++
    if (dropped < next) return
    next *= 10
    log.warn({ pattern, limit, dropped }, 'too many messages wait for this subscriber, dropping new ones')
  }
}

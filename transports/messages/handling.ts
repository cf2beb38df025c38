import type { Logger } from 'pino'
import type { MessageTooLargeError } from './errors.ts'

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

/** Too many messages wait for a subscriber, and new ones are dropped. */
export function overflowWarning(log: Logger, pattern: string, limit: number): () => void {
  return sparingly((dropped) =>
    log.warn({ pattern, limit, dropped }, 'too many messages wait for this subscriber, dropping new ones'),
  )
}

/** Answers that are too large for the broker: whoever asks gets none until somebody changes that. */
export function tooLargeWarning(log: Logger, pattern: string): (error: MessageTooLargeError) => void {
  return sparingly((refused, { message }) => log.warn({ pattern, refused }, message))
}

/** Says it at the first time and at every power of ten after it: a flood does not flood the log too. */
function sparingly<Arguments extends unknown[]>(
  say: (count: number, ...given: Arguments) => void,
): (...given: Arguments) => void {
  let count = 0
  let next = 1
  return (...given) => {
    count++
    if (count < next) return
    next *= 10
    say(count, ...given)
  }
}

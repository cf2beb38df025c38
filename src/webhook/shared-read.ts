/**
 * One read at a time; all who ask while one is under way share the next, which begins after they asked. So nobody gets
 * an answer older than the question, and a crowd costs two reads.
 */
export function shareReads<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | undefined
  let next: Promise<T> | undefined

  const begin = (): Promise<T> => {
    const reading = read()
    const done = reading.then(
      () => {},
      () => {},
    )
    running = done
    void done.then(() => {
      if (running === done) running = undefined
    })
    return reading
  }

  return () => {
    if (running === undefined) return begin()
    next ??= running.then(() => {
      next = undefined
      return begin()
    })
    return next
  }
}

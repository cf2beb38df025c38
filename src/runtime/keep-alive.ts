import type { Cancel } from './clock.ts'

/** Keeps the process alive until the returned function is called: no timer of a Clock does. */
export function keepAlive(): Cancel {
  const timer = setInterval(() => {}, 60_000)
  return () => clearInterval(timer)
}

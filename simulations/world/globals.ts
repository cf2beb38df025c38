import type { Chance } from './chance.ts'
import type { Scheduler } from './scheduler.ts'

const realImmediate = globalThis.setImmediate
const realPerformance = globalThis.performance

/** A turn of the real event loop, for what drives a simulation. */
export function realTurn(action: () => void): void {
  realImmediate(action)
}

/** Milliseconds of real time, for what measures a simulation. */
export function realNow(): number {
  return realPerformance.now()
}

/**
 * nact, and whatever else asks the run-time environment by itself, finds the simulation's time and chance there while a
 * simulation runs. @returns what puts the real ones back
 */
export function installGlobals(scheduler: Scheduler, chance: Chance, epoch: number): () => void {
  const before = {
    setImmediate: globalThis.setImmediate,
    clearImmediate: globalThis.clearImmediate,
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    random: Math.random,
    now: Date.now,
  }
  const cancels = new Map<number, () => void>()
  let handles = 0
  const keep = (start: (done: () => void) => () => void) => {
    const handle = ++handles
    cancels.set(
      handle,
      start(() => cancels.delete(handle)),
    )
    return handle
  }
  const cancel = (handle: unknown) => {
    if (typeof handle !== 'number') return
    cancels.get(handle)?.()
    cancels.delete(handle)
  }
  type Action = (...args: unknown[]) => void
  Object.assign(globalThis, {
    setImmediate: (action: Action, ...args: unknown[]) =>
      keep((done) =>
        scheduler.soon(scheduler.current, () => {
          done()
          action(...args)
        }),
      ),
    clearImmediate: cancel,
    setTimeout: (action: Action, delay = 0, ...args: unknown[]) =>
      keep((done) =>
        scheduler.after(delay, scheduler.current, () => {
          done()
          action(...args)
        }),
      ),
    clearTimeout: cancel,
  })
  Math.random = () => chance.next()
  Date.now = () => epoch + Math.floor(scheduler.now)
  return () => {
    const { random, now, ...timers } = before
    Object.assign(globalThis, timers)
    Math.random = random
    Date.now = now
  }
}

import type { Chance } from './chance.ts'
import type { Scheduler } from './scheduler.ts'

const realImmediate = globalThis.setImmediate
const readRealTime = performance.now.bind(performance)

/** A turn of the real event loop, for what drives a simulation. */
export function realTurn(action: () => void): void {
  realImmediate(action)
}

/** Milliseconds of real time, for what measures a simulation. */
export function realNow(): number {
  return readRealTime()
}

/** Real time or chance inside of a simulation: it would not be the same twice. */
export class RealWorldError extends Error {
  override readonly name = 'RealWorldError'
  constructor(readonly what: string) {
    super(`${what} was asked for in a simulation: take time and chance as parameters (src/runtime)`)
  }
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
    setInterval: globalThis.setInterval,
    Date: globalThis.Date,
  }
  const now = () => epoch + Math.floor(scheduler.now)
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
    setInterval: forbidden('setInterval'),
    Date: dateAt(now, before.Date),
  })
  const restores = [
    replaced(Math, 'random', () => chance.next()),
    replaced(performance, 'now', forbidden('performance.now')),
    replaced(process, 'hrtime', forbidden('process.hrtime')),
    replaced(process, 'uptime', forbidden('process.uptime')),
    replaced(globalThis.crypto, 'randomUUID', forbidden('crypto.randomUUID')),
    replaced(globalThis.crypto, 'getRandomValues', forbidden('crypto.getRandomValues')),
  ]
  return () => {
    Object.assign(globalThis, before)
    for (const restore of restores) restore()
  }
}

function forbidden(what: string): () => never {
  return () => {
    throw new RealWorldError(what)
  }
}

/** @returns what puts the old one back */
function replaced<T extends object>(owner: T, name: keyof T, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  Object.defineProperty(owner, name, { value, configurable: true, writable: true })
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, name)
    else Object.defineProperty(owner, name, before)
  }
}

/** `Date` as it is, but for what it says the time is. */
function dateAt(now: () => number, real: DateConstructor): DateConstructor {
  return new Proxy(real, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: (target) => new target(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  })
}

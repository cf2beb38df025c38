import { ExpiredError, UnavailableError } from '../../src/kube/errors.ts'
import type { WatchEvent, WatchHandle, WatchHandler } from '../../src/kube/store.ts'
import type { ApiFaults } from '../faults/api-faults.ts'
import { failure } from './api-failure.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** How faults get at a watch. Each says whether it met one that was open. */
export interface WatchSwitch {
  /** The connection breaks. */
  close(): boolean
  /** The server says that what it would go on from is too old. */
  expire(): boolean
  /** The connection stays open and carries nothing any more. */
  silence(): boolean
  /** The server has ended it, as it ends every watch some time; the process hears of it so much later. */
  finish(gap: number): boolean
  /** So many changes are not told of, while all is well otherwise. @param met of each */
  miss(changes: number, met: () => void): boolean
}

export interface SimulatedWatchOptions {
  life: Life
  scheduler: Scheduler
  faults: ApiFaults
  /** As in `watch ippools`. */
  what: string
  handler: WatchHandler
  /** When what an event tells of was written, by true time. */
  writtenAt: (event: WatchEvent) => number
  /** The server has forgotten what this watch would go on from. */
  expired: () => void
}

/** How long TCP tries again before a way that is closed has ended a connection for good. */
const TRIES_AGAIN_FOR = 60_000
const LOOK_AGAIN = 500

/** One watch: what the server says arrives in order, after a while, or not at all. */
export class SimulatedWatch implements WatchHandle, WatchSwitch {
  readonly #options: SimulatedWatchOptions
  readonly #queue: { action: () => void; notBefore: number }[] = []
  #server: WatchHandle | undefined
  #lastArrival = 0
  #isStuckSince: number | undefined
  #isOver = false
  #isSilent = false
  #toMiss = 0
  #missed = () => {}

  constructor(options: SimulatedWatchOptions) {
    this.#options = options
  }

  /** @param isExpired what it would go on from is too old */
  open(isExpired: boolean, start: (handler: WatchHandler) => WatchHandle): void {
    const { scheduler, faults, life, what } = this.#options
    if (this.#isOver || this.#isSilent) return
    if (faults.isCut(life.process)) return this.#tryAgain(() => this.open(isExpired, start))
    const { there, back, error } = faults.request(life.process, what, false)
    // Neither the server nor the process has reason to think that the other is not there.
    if (there === undefined || back === undefined) {
      this.#isSilent = true
      return
    }
    const refusal = error === undefined ? undefined : failure(error, what)
    const ending =
      refusal ?? (isExpired ? new ExpiredError('too old resource version (injected)') : undefined)
    if (ending !== undefined) {
      scheduler.after(there + back, life, () => this.#end(ending))
      return
    }
    scheduler.after(there, scheduler.outside, () => {
      if (this.#isOver || this.#isSilent) return
      this.#server = start({
        event: (event) => this.#tell(event),
        ended: (ended) => this.#say(() => this.#end(ended), scheduler.now),
      })
    })
  }

  stop(): void {
    if (this.#isOver) return
    this.#server?.stop()
    this.#end(undefined)
  }

  close(): boolean {
    return this.#breakOff(new UnavailableError(0, 'watch: connection reset by peer'), 1)
  }

  expire(): boolean {
    this.#options.expired()
    return this.#breakOff(new ExpiredError('too old resource version (injected)'), 1)
  }

  silence(): boolean {
    const wasOpen = this.#isOpen()
    this.#isSilent = true
    this.#server?.stop()
    return wasOpen
  }

  finish(gap: number): boolean {
    return this.#breakOff(undefined, gap + 1)
  }

  miss(changes: number, met: () => void): boolean {
    this.#toMiss = changes
    this.#missed = met
    return this.#isOpen()
  }

  #isOpen(): boolean {
    return !this.#isOver && !this.#isSilent && this.#options.life.alive
  }

  #breakOff(error: Error | undefined, after: number): boolean {
    const { scheduler, life } = this.#options
    if (this.#isOver || this.#isSilent) return false
    this.silence()
    scheduler.after(after, life, () => this.#end(error))
    return life.alive
  }

  #tell(event: WatchEvent): void {
    const { faults, life, handler, what, writtenAt } = this.#options
    if (event.type !== 'BOOKMARK' && this.#toMiss > 0) {
      this.#toMiss -= 1
      this.#missed()
      return
    }
    const notBefore = writtenAt(event) + faults.lag(life.process, what)
    this.#say(() => !this.#isOver && handler.event(event), notBefore)
  }

  #say(action: () => void, notBefore: number): void {
    if (this.#isSilent) return
    this.#queue.push({ action, notBefore })
    if (this.#queue.length === 1) this.#deliverNext()
  }

  /** In order: each thing said waits for the one before. */
  #deliverNext(): void {
    const { scheduler, faults, life } = this.#options
    const [next] = this.#queue
    if (next === undefined || this.#isSilent) return
    const delay = faults.event(life.process)
    if (delay === undefined) return this.#tryAgain(() => this.#deliverNext())
    this.#isStuckSince = undefined
    const arrival = Math.max(scheduler.now + delay, next.notBefore, this.#lastArrival)
    this.#lastArrival = arrival
    scheduler.after(arrival - scheduler.now, life, () => {
      this.#queue.shift()
      if (!this.#isSilent) next.action()
      this.#deliverNext()
    })
  }

  #tryAgain(action: () => void): void {
    const { scheduler, life } = this.#options
    this.#isStuckSince ??= scheduler.now
    if (scheduler.now - this.#isStuckSince > TRIES_AGAIN_FOR) this.silence()
    else scheduler.after(LOOK_AGAIN, life, action)
  }

  #end(error: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.handler.ended(error)
  }
}

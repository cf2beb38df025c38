import { ExpiredError, UnavailableError } from '../../src/kube/errors.ts'
import type { WatchHandle, WatchHandler } from '../../src/kube/store.ts'
import type { ApiFaults } from '../faults/api-faults.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** How faults get at a watch that is open. */
export interface WatchSwitch {
  /** The connection breaks. */
  close(): void
  /** The server says that what it would go on from is too old. */
  expire(): void
  /** The connection stays open and carries nothing any more. */
  silence(): void
}

export interface SimulatedWatchOptions {
  life: Life
  scheduler: Scheduler
  faults: ApiFaults
  handler: WatchHandler
  /** The server has forgotten what this watch would go on from. */
  expired: () => void
}

/** How long TCP tries again before a way that is closed has ended a connection for good. */
const TRIES_AGAIN_FOR = 60_000
const LOOK_AGAIN = 500

/** One watch: what the server says arrives in order, after a while, or not at all. */
export class SimulatedWatch implements WatchHandle, WatchSwitch {
  readonly #options: SimulatedWatchOptions
  readonly #queue: (() => void)[] = []
  #server: WatchHandle | undefined
  #lastArrival = 0
  #isStuckSince: number | undefined
  #isOver = false
  #isSilent = false

  constructor(options: SimulatedWatchOptions) {
    this.#options = options
  }

  /** @param isExpired what it would go on from is too old */
  open(isExpired: boolean, start: (handler: WatchHandler) => WatchHandle): void {
    const { scheduler, faults, life, handler } = this.#options
    if (faults.isDown()) {
      scheduler.after(1, life, () => this.#end(new UnavailableError(0, 'watch: connection refused')))
      return
    }
    if (isExpired) {
      scheduler.after(1, life, () => this.#end(new ExpiredError('too old resource version (injected)')))
      return
    }
    scheduler.after(1, scheduler.outside, () => {
      if (this.#isOver || this.#isSilent) return
      this.#server = start({
        event: (event) => this.#say(() => !this.#isOver && handler.event(event)),
        ended: (error) => this.#say(() => this.#end(error)),
      })
    })
  }

  stop(): void {
    if (this.#isOver) return
    this.#server?.stop()
    this.#end(undefined)
  }

  close(): void {
    this.#breakOff(new UnavailableError(0, 'watch: connection reset by peer'))
  }

  expire(): void {
    this.#options.expired()
    this.#breakOff(new ExpiredError('too old resource version (injected)'))
  }

  silence(): void {
    this.#isSilent = true
    this.#server?.stop()
  }

  #breakOff(error: Error): void {
    const { scheduler, life } = this.#options
    if (this.#isOver || this.#isSilent) return
    this.#server?.stop()
    this.#isSilent = true
    scheduler.after(1, life, () => this.#end(error))
  }

  #say(action: () => void): void {
    if (this.#isSilent) return
    this.#queue.push(action)
    if (this.#queue.length === 1) this.#deliverNext()
  }

  /** In order: each thing said waits for the one before. */
  #deliverNext(): void {
    const { scheduler, faults, life } = this.#options
    if (this.#queue.length === 0 || this.#isSilent) return
    const delay = faults.event(life.process)
    if (delay === undefined) {
      this.#isStuckSince ??= scheduler.now
      if (scheduler.now - this.#isStuckSince > TRIES_AGAIN_FOR) return this.silence()
      scheduler.after(LOOK_AGAIN, life, () => this.#deliverNext())
      return
    }
    this.#isStuckSince = undefined
    const arrival = Math.max(scheduler.now + delay, this.#lastArrival)
    this.#lastArrival = arrival
    scheduler.after(arrival - scheduler.now, life, () => {
      const action = this.#queue.shift()
      if (!this.#isSilent) action?.()
      this.#deliverNext()
    })
  }

  #end(error: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.handler.ended(error)
  }
}

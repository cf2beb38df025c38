import type { Cancel } from '../../src/runtime/clock.ts'
import type { Chance } from './chance.ts'
import type { Life } from './life.ts'
import { TimerQueue } from './timer-queue.ts'

/** Something that happens at once: a turn of the event loop of the process whose life it is. */
interface Turn {
  readonly life: Life
  readonly action: () => void
  isCancelled: boolean
}

/** More than this without time going on: something asks itself again and again. */
const TURNS_WITHOUT_TIME = 200_000

/** Something runs in circles while time stands still. */
export class LivelockError extends Error {
  override readonly name = 'LivelockError'
  constructor(readonly process: string) {
    super(`${process} took ${TURNS_WITHOUT_TIME} turns while no time passed: it asks itself again and again`)
  }
}

/**
 * True time, and everything that happens in it, one turn after the other. What is ready at one moment runs in an order
 * that chance decides, as on machines whose threads and sockets are served in any order; what is due at different
 * moments runs in order.
 */
export class Scheduler {
  readonly #timers = new TimerQueue<Turn>()
  readonly #ready: Turn[] = []
  readonly #chance: Chance
  #now = 0
  #turns = 0
  #current: Life
  /** Told whose turn it is before each one; whose life ends there does not take it. */
  onTurn: (life: Life) => void = () => {}

  /** @param outside the life of what belongs to no process */
  constructor(
    chance: Chance,
    readonly outside: Life,
  ) {
    this.#chance = chance
    this.#current = outside
  }

  /** Milliseconds of true time since the simulation began. */
  get now(): number {
    return this.#now
  }

  /** How many turns were taken. */
  get turns(): number {
    return this.#turns
  }

  /** Whose turn it is. */
  get current(): Life {
    return this.#current
  }

  after(delay: number, life: Life, action: () => void): Cancel {
    const turn: Turn = { life, action, isCancelled: false }
    this.#timers.add(this.#now + Math.max(delay, 0), turn)
    return () => {
      turn.isCancelled = true
    }
  }

  soon(life: Life, action: () => void): Cancel {
    const turn: Turn = { life, action, isCancelled: false }
    this.#ready.push(turn)
    return () => {
      turn.isCancelled = true
    }
  }

  resume(life: Life): void {
    life.paused = false
    this.#catchUp(life)
  }

  /** What waited for a process happens in order: what fell due first, first. */
  #catchUp(life: Life): void {
    this.soon(life, () => {
      life.held.shift()?.()
      if (life.held.length > 0) this.#catchUp(life)
    })
  }

  /**
   * Runs everything that is due until `end`, or until `isOver` says so. Promises come to their end between two turns:
   * each turn has one of the real event loop.
   * @param nextTurn of the real event loop
   * @throws LivelockError, and what an action of nobody's process throws
   */
  runUntil(end: number, nextTurn: (action: () => void) => void, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let turnsNow = 0
      const step = () => {
        try {
          for (;;) {
            if (isOver()) return resolve()
            const turn = this.#takeReady() ?? this.#takeDue(end)
            if (turn === undefined) {
              this.#now = end
              return resolve()
            }
            if (turn === 'later') {
              turnsNow = 0
              continue
            }
            const { life, action } = turn
            if (turn.isCancelled || !life.alive) continue
            this.#current = life
            if (!life.paused) this.onTurn(life)
            if (!life.alive) continue
            if (life.paused) {
              life.held.push(action)
              continue
            }
            if (++turnsNow > TURNS_WITHOUT_TIME) throw new LivelockError(life.process)
            this.#turns += 1
            action()
            nextTurn(step)
            return
          }
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      nextTurn(step)
    })
  }

  #takeReady(): Turn | undefined {
    const { length } = this.#ready
    if (length === 0) return undefined
    const index = length === 1 ? 0 : Math.floor(this.#chance.next() * length)
    const turn = this.#ready[index]
    const last = this.#ready.pop()
    if (last !== undefined && index < length - 1) this.#ready[index] = last
    return turn
  }

  /** `later`: time went on to when something is due. */
  #takeDue(end: number): Turn | 'later' | undefined {
    const due = this.#timers.nextAt()
    if (due === undefined || due > end) return undefined
    if (due > this.#now) {
      this.#now = due
      return 'later'
    }
    return this.#timers.take()
  }
}

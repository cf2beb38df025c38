import type { StrikeMoment } from '../plan/faults.ts'
import type { World } from '../world/world.ts'

type StruckWorld = Pick<World, 'reached' | 'scheduler' | 'processes'>
type Armed = Exclude<StrikeMoment, 'now'>

interface ArmedStrike {
  readonly process: string
  readonly moment: Armed
  /** Times until it strikes; with `after-answer` the turns after the answer. */
  left: number
  /** What was answered. */
  answered: string | undefined
  readonly strike: (what: string) => void
}

/** Strikes that wait for a process to come to a moment. */
export class ArmedStrikes {
  readonly #world: StruckWorld
  #armed: ArmedStrike[] = []

  constructor(world: StruckWorld) {
    this.#world = world
    world.reached = (process, moment, what) => this.#reached(process, moment, what)
    world.scheduler.onTurn = ({ process }) => this.#turn(process)
  }

  /** @param strike is told what the process was doing */
  arm(process: string, moment: Armed, nth: number, strike: (what: string) => void): void {
    this.#armed.push({ process, moment, left: nth, answered: undefined, strike })
  }

  disarm(): void {
    this.#armed = []
  }

  #reached(process: string, moment: StrikeMoment, what: string): void {
    if (this.#armed.length === 0) return
    for (const armed of this.#of(process, moment)) {
      if (armed.moment === 'after-answer') armed.answered ??= what
      else this.#countDown(armed, what)
    }
  }

  #turn(process: string): void {
    if (this.#armed.length === 0) return
    const state = () => this.#world.processes.get(process)?.state() ?? process
    for (const armed of this.#of(process, 'after-turns')) this.#countDown(armed, state)
    for (const armed of this.#of(process, 'after-answer')) {
      const { answered } = armed
      if (answered !== undefined) this.#countDown(armed, answered)
    }
  }

  #of(process: string, moment: StrikeMoment): ArmedStrike[] {
    return this.#armed.filter((armed) => armed.process === process && armed.moment === moment)
  }

  #countDown(armed: ArmedStrike, what: string | (() => string)): void {
    armed.left -= 1
    if (armed.left > 0) return
    this.#armed = this.#armed.filter((other) => other !== armed)
    armed.strike(typeof what === 'string' ? what : what())
  }
}

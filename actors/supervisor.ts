import type { Logger } from 'pino'
import {
  between,
  type Duration,
  type Instant,
  milliseconds,
  minutes,
  seconds,
} from '../src/api/values/time.ts'
import type { Cancel, Clock } from '../src/runtime/clock.ts'
import type { Random } from '../src/runtime/random.ts'
import { type ActorOptions, type ActorRef, type Self, UndefinedStateError } from './actor.ts'

export interface RestartPolicy {
  /** The wait before the first restart; it doubles with each further crash. */
  first: Duration
  longest: Duration
  /** A life as long as this makes earlier crashes forgotten. */
  healthyAfter: Duration
}

export const DEFAULT_RESTART_POLICY: RestartPolicy = {
  first: milliseconds(100),
  longest: seconds(30),
  healthyAfter: minutes(1),
}

/** How long to wait after so many crashes in a row: half of it fixed, half by chance, so that peers spread out. */
export function restartDelay(policy: RestartPolicy, crashes: number, random: Random): Duration {
  const whole = Math.min(policy.first * 2 ** Math.min(crashes - 1, 30), policy.longest)
  return milliseconds(Math.round(whole * (0.5 + random.next() / 2)))
}

/** What an actor does when it is its turn. Never throws. */
export type Turn = () => void | Promise<void>

/** A mailbox, worked off one turn after the other. Each life has its own, so that none hears what was said to another. */
export interface Process {
  dispatch(turn: Turn): void
  stop(): void
}

/** One message carried out: stores the new state in `cell` before it does anything else. */
export type Step<State, Message> = (
  cell: { state: State },
  message: Message,
  self: Self<Message>,
  crash: (error: unknown) => void,
) => void

export interface ActorCounters {
  /** Messages that wait. */
  pending: number
  restarts: number
  /** Messages that nobody got. */
  dropped: number
}

export interface SupervisorParts {
  startProcess: () => Process
  clock: Clock
  random: Random
  log: Logger
  counters: ActorCounters
  /** Called when a message was dealt with or dropped. */
  settled: () => void
}

interface Life<State, Message> {
  alive: boolean
  pending: number
  overflowed: boolean
  startedAt: Instant
  cell: { state: State } | undefined
  process: Process
  take: (message: Message) => void
}

const DEFAULT_MAILBOX_LIMIT = 10_000

/**
 * Lets an actor live, and live again: a crash ends the life with its mailbox, and after a wait a new one starts from
 * the truth. Messages told in between are dropped and counted: the new life reads what they were about.
 */
export function supervise<State, Message>(
  path: string,
  options: ActorOptions<State, Message>,
  step: Step<State, Message>,
  parts: SupervisorParts,
  stopped: () => void,
): ActorRef<Message> {
  const { clock, random, counters, log } = parts
  const policy = options.restart ?? DEFAULT_RESTART_POLICY
  const mailboxLimit = options.mailboxLimit ?? DEFAULT_MAILBOX_LIMIT
  let current: Life<State, Message> | undefined
  let cancelRestart: Cancel | undefined
  let crashes = 0
  let over = false

  function begin(): void {
    cancelRestart = undefined
    const life: Life<State, Message> = {
      alive: true,
      pending: 0,
      overflowed: false,
      startedAt: clock.now(),
      cell: undefined,
      process: parts.startProcess(),
      take,
    }
    const self: Self<Message> = {
      path,
      tell: (message) => tell(life, message),
      stop: () => {
        if (life.alive) stop()
      },
      alive: () => life.alive,
    }

    function awaken(): void | Promise<void> {
      const failed = (error: unknown) => crash(life, error, 'initial')
      try {
        const state = options.initial()
        if (state instanceof Promise) return state.then(ready).catch(failed)
        ready(state)
      } catch (error) {
        failed(error)
      }
    }

    function ready(state: State): void {
      if (state === undefined) throw new UndefinedStateError(path)
      life.cell = { state }
      if (!life.alive) release(life)
      else if (options.started) carryOut(options.started())
    }

    function take(message: Message): void {
      if (!life.alive) return
      life.pending--
      counters.pending--
      carryOut(message)
      parts.settled()
    }

    function carryOut(message: Message): void {
      if (!life.cell) return
      const failed = (error: unknown) => crash(life, error, nameOf(message))
      try {
        step(life.cell, message, self, failed)
      } catch (error) {
        failed(error)
      }
    }

    current = life
    life.process.dispatch(awaken)
  }

  function tell(life: Life<State, Message> | undefined, message: Message): boolean {
    if (!life?.alive) {
      counters.dropped++
      return false
    }
    if (life.pending >= mailboxLimit) {
      counters.dropped++
      if (!life.overflowed)
        log.warn(
          { actor: path, mailboxLimit, message: nameOf(message) },
          'mailbox full, messages are dropped',
        )
      life.overflowed = true
      return false
    }
    life.pending++
    counters.pending++
    life.process.dispatch(() => life.take(message))
    return true
  }

  function crash(life: Life<State, Message>, error: unknown, message: string): void {
    if (!life.alive) {
      log.debug({ actor: path, err: error, message }, 'an actor that is over already failed')
      return
    }
    crashes = between(life.startedAt, clock.now()) >= policy.healthyAfter ? 1 : crashes + 1
    const delay = restartDelay(policy, crashes, random)
    log.error(
      { actor: path, err: error, message, crashes, dropped: life.pending, restartIn: delay },
      'actor crashed',
    )
    end(life)
    counters.restarts++
    cancelRestart = clock.after(delay, begin)
  }

  function end(life: Life<State, Message>): void {
    life.alive = false
    life.process.stop()
    counters.dropped += life.pending
    counters.pending -= life.pending
    life.pending = 0
    release(life)
    parts.settled()
  }

  function release(life: Life<State, Message>): void {
    if (!life.cell || !options.ended) return
    try {
      options.ended(life.cell.state)
    } catch (error) {
      log.error({ actor: path, err: error }, 'actor could not release its state')
    }
  }

  function stop(): void {
    if (over) return
    over = true
    cancelRestart?.()
    if (current?.alive) end(current)
    stopped()
  }

  begin()
  return { path, tell: (message) => tell(current, message), stop }
}

function nameOf(message: unknown): string {
  return typeof message === 'object' && message !== null && 'type' in message
    ? String(message.type)
    : typeof message
}

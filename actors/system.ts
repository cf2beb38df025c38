import { dispatch, spawn, start, stop } from 'nact'
import type { Logger } from 'pino'
import { type Duration, seconds } from '../src/api/values/time.ts'
import type { Clock } from '../src/runtime/clock.ts'
import type { Random } from '../src/runtime/random.ts'
import {
  ActorNameTakenError,
  type ActorOptions,
  type ActorRef,
  ActorSystemStoppedError,
  type DeciderOptions,
  type ReceiverOptions,
  UndefinedStateError,
} from './actor.ts'
import { type ActorCounters, type Process, type Step, supervise, type Turn } from './supervisor.ts'

export type { ActorOptions, ActorRef, DeciderOptions, Decision, ReceiverOptions, Self } from './actor.ts'
export { ActorNameTakenError, ActorSystemStoppedError, UndefinedStateError } from './actor.ts'
export type { RestartPolicy } from './supervisor.ts'

export interface ActorSystemOptions {
  name: string
  log: Logger
  clock: Clock
  random: Random
}

export interface ActorSystem {
  /** An actor whose state is a function of its messages. */
  spawn<State, Message>(options: ReceiverOptions<State, Message>): ActorRef<Message>
  /** The shell around a pure `decide`. */
  spawnDecider<State, Message, Effect>(options: DeciderOptions<State, Message, Effect>): ActorRef<Message>
  /** Starts nothing new, lets mailboxes run empty for `grace` (5 s if not given), then stops every actor. */
  stopAll(grace?: Duration): Promise<void>
  stats(): ActorSystemStats
}

export interface ActorSystemStats extends Readonly<ActorCounters> {
  readonly actors: number
}

/**
 * Actors, on nact: it gives each life a mailbox and one turn of the event loop for each message. The rest of what it
 * offers is not used: its crash handling loses count of the mailbox, its references outlive respawns, its queries
 * match by 31 random bits. A parent's children are copied for every message that the parent gets, so all hang under
 * the root, which gets none.
 */
export function startActorSystem({ name, log, clock, random }: ActorSystemOptions): ActorSystem {
  // Systems are global in nact, by name: an unnamed one gets a name of its own.
  const root = start()
  const actors = new Map<string, ActorRef<never>>()
  const counters: ActorCounters = { pending: 0, restarts: 0, dropped: 0 }
  let processes = 0
  let stopping = false
  let emptied: (() => void) | undefined

  function startProcess(): Process {
    processes++
    const process = spawn(root, takeTurn, `${processes}`, {
      initialState: null,
      onCrash: (_turn, _error, context) => context.stop,
    })
    return { dispatch: (turn) => dispatch(process, turn), stop: () => stop(process) }
  }

  function add<State, Message>(
    options: ActorOptions<State, Message>,
    step: Step<State, Message>,
  ): ActorRef<Message> {
    if (stopping) throw new ActorSystemStoppedError(options.name)
    if (actors.has(options.name)) throw new ActorNameTakenError(options.name)
    const settled = () => {
      if (counters.pending === 0) emptied?.()
    }
    const parts = { startProcess, clock, random, log, counters, settled }
    const actor = supervise(`${name}/${options.name}`, options, step, parts, () =>
      actors.delete(options.name),
    )
    actors.set(options.name, actor)
    return actor
  }

  return {
    spawn: (options) =>
      add(options, (cell, message, self) => {
        cell.state = defined(options.receive(cell.state, message, self), self.path)
      }),

    spawnDecider: (options) =>
      add(options, (cell, message, self, crash) => {
        const decision = options.decide(cell.state, message, clock.now())
        cell.state = defined(decision.state, self.path)
        for (const effect of decision.effects) {
          if (!self.alive()) return
          const outcome = options.run(effect, self)
          if (outcome instanceof Promise) outcome.catch(crash)
        }
      }),

    async stopAll(grace = seconds(5)) {
      stopping = true
      if (counters.pending > 0) {
        await new Promise<void>((resolve) => {
          const cancel = clock.after(grace, resolve)
          emptied = () => {
            cancel()
            resolve()
          }
        })
      }
      for (const actor of [...actors.values()]) actor.stop()
      stop(root)
    },

    stats: () => ({ actors: actors.size, ...counters }),
  }
}

function takeTurn(_state: null, turn: Turn): null | Promise<null> {
  const done = turn()
  return done ? done.then(() => null) : null
}

function defined<State>(state: State, path: string): State {
  if (state === undefined) throw new UndefinedStateError(path)
  return state
}

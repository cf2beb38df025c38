import type { Instant } from '../src/api/values/time.ts'
import type { RestartPolicy } from './supervisor.ts'

/**
 * The address of an actor, the same through all its restarts.
 * (Functions rather than methods, so that a reference for other messages does not compile.)
 */
export interface ActorRef<Message> {
  /** Where the actor is in logs and metrics. */
  readonly path: string
  /**
   * Leave a message. Never runs the actor at once.
   * @returns false when it was dropped and counted: the mailbox is full, or the actor is stopped or waits for its restart
   */
  readonly tell: (message: Message) => boolean
  /** Stop for good; what waits in the mailbox is dropped. The name is free again. */
  readonly stop: () => void
}

/**
 * An actor's own address, valid for one life: what I/O that an earlier life started tells it is dropped, since the
 * life that could have understood it is over.
 */
export interface Self<Message> extends ActorRef<Message> {
  readonly alive: () => boolean
}

export interface ActorOptions<State, Message> {
  /** Free text; one actor at a time has it. */
  name: string
  /**
   * The state to start from, made anew at every restart: read the truth here. While a promise of it is pending,
   * messages wait in the mailbox; when it fails, that counts as a crash.
   */
  initial: () => State | Promise<State>
  /** A message that every life gets first. */
  started?: () => Message
  /** The end of a life, by crash or stop: release what `state` holds. */
  ended?: (state: State) => void
  /** Messages that may wait; more are dropped. 10,000 if not given. */
  mailboxLimit?: number
  restart?: RestartPolicy
}

export interface ReceiverOptions<State, Message> extends ActorOptions<State, Message> {
  /** What a message makes of the state. A throw is a crash: the state is lost, `initial` makes a new one. */
  receive: (state: State, message: Message, self: Self<Message>) => State
}

export interface Decision<State, Effect> {
  state: State
  effects: readonly Effect[]
}

export interface DeciderOptions<State, Message, Effect> extends ActorOptions<State, Message> {
  /** Pure: what a message makes of the state, and what is to be done about it. */
  decide: (state: State, message: Message, now: Instant) => Decision<State, Effect>
  /**
   * Starts one effect; its outcome comes back through `self.tell`. Effects run in order, after the new state is in
   * place. A throw, or a promise that fails, is a crash.
   */
  run: (effect: Effect, self: Self<Message>) => void | Promise<void>
}

export class UndefinedStateError extends Error {
  override readonly name = 'UndefinedStateError'
  constructor(readonly path: string) {
    super(`${path} has no state any more: receive, decide and initial must return one`)
  }
}

export class ActorNameTakenError extends Error {
  override readonly name = 'ActorNameTakenError'
  constructor(readonly actor: string) {
    super(`there is an actor ${actor} already`)
  }
}

export class ActorSystemStoppedError extends Error {
  override readonly name = 'ActorSystemStoppedError'
  constructor(readonly actor: string) {
    super(`cannot start actor ${actor}: the actor system is stopped`)
  }
}

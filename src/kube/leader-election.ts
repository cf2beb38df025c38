import type { Logger } from 'pino'
import type { KubeObject } from '../api/object.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import { formatObjectKey } from '../api/values/object-key.ts'
import { between, type Instant, milliseconds } from '../api/values/time.ts'
import type { Cancel, Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import {
  DEFAULT_ELECTION_TIMING,
  type ElectionState,
  type ElectionTiming,
  holds,
  isLeading,
  mayTake,
  NOTHING_SEEN,
  nextTryAfter,
  saw,
  won,
} from './election.ts'
import { AlreadyExistsError, ConflictError, NotFoundError } from './errors.ts'
import { heldLease, LEASES, type Lease, newLease, parseLease, releasedLease } from './lease.ts'
import type { Store } from './store.ts'

export interface LeaderElectionOptions {
  /**
   * A client of its own: renewals must not queue behind other requests. Its time-out must be well below the renew
   * deadline (LEASE_REQUEST_TIMEOUT), so that a request that hangs does not end a term.
   */
  store: Store
  lease: ObjectKey
  /** No two processes may have the same, not even one after the other: pod name and something random. */
  identity: string
  /** Monotonic: decides. */
  clock: Clock
  /** On the wall: for the times in the Lease. */
  wallClock: Clock
  random: Random
  log: Logger
  timing?: ElectionTiming
  /** A term begins. */
  started: () => void
  /** A term is over, for the reason given. */
  ended: (reason: string) => void
}

export interface LeaderElection {
  /** Asks the clock each time: a process that was paused finds out at the first thing it does. */
  isLeading(): boolean
  /** Who holds the Lease, as far as is known; '' for nobody. */
  holder(): string
  /** The Lease's uid, once it was seen. */
  uid(): string | undefined
  start(): void
  /** Ends the term, and lets go of the Lease so that another takes over at once. */
  stop(): Promise<void>
}

/** Leader election on a Lease, with the record that client-go writes: kubectl and other tools read it. */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new LeaseElection(options)
}

/** A Lease that changes under every second look belongs to whoever changes it. */
const ATTEMPTS = 2

const nothing: Cancel = () => {}

class LeaseElection implements LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #timing: ElectionTiming
  readonly #log: Logger
  #state: ElectionState = NOTHING_SEEN
  #isTold = false
  #isStopped = false
  #reason = ''
  #lastFailure = ''
  #trying: Promise<void> = Promise.resolve()
  #cancelTry = nothing
  #cancelDeadline = nothing

  constructor(options: LeaderElectionOptions) {
    this.#options = options
    this.#timing = options.timing ?? DEFAULT_ELECTION_TIMING
    this.#log = options.log.child({ lease: formatObjectKey(options.lease), identity: options.identity })
  }

  isLeading(): boolean {
    const leads = isLeading(this.#state, this.#now())
    // Not in the caller's turn: the end of a term stops the very actor that may be asking.
    if (this.#isTold && !leads) queueMicrotask(() => this.#tell())
    return leads && this.#isTold
  }

  holder(): string {
    return this.#state.seen?.lease?.holder ?? ''
  }

  uid(): string | undefined {
    return this.#state.seen?.lease?.uid
  }

  start(): void {
    this.#trying = this.#tryNow()
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#cancelTry()
    this.#reason = 'it stops'
    this.#change({ ...this.#state, leadsUntil: undefined })
    await this.#trying
    await this.#release()
  }

  async #tryNow(): Promise<void> {
    const begun = this.#now()
    try {
      await this.#takeOrRenew()
      this.#lastFailure = ''
    } catch (error) {
      const failure = String(error)
      // The same failure again and again is one line, not one a second.
      if (failure !== this.#lastFailure) this.#log.warn({ err: error }, 'leader election: no word; trying on')
      this.#lastFailure = failure
      this.#reason = `its Lease could not be renewed in time: ${failure}`
    }
    if (this.#isStopped) return
    const now = this.#now()
    const chance = this.#options.random.next()
    const delay = nextTryAfter(this.#state, now, this.#timing, chance, between(begun, now))
    this.#cancelTry = this.#options.clock.after(delay, () => {
      this.#trying = this.#tryNow()
    })
  }

  /** @throws StoreError, z.ZodError */
  async #takeOrRenew(): Promise<void> {
    if (!holds(this.#state, this.#options.identity)) await this.#look()
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const sentAt = this.#now()
      if (this.#isStopped || !mayTake(this.#state, sentAt)) return
      try {
        const lease = await this.#write()
        if (this.#isStopped) this.#state = { ...won(lease, sentAt, this.#timing), leadsUntil: undefined }
        else this.#change(won(lease, sentAt, this.#timing))
        return
      } catch (error) {
        if (!this.#isOvertaken(error)) throw error
        await this.#look()
      }
    }
  }

  /** Makes this candidate the holder of the Lease as it was last seen, and of no other. */
  async #write(): Promise<Lease> {
    const { store, identity, lease: key, wallClock } = this.#options
    const claim = { holder: identity, duration: this.#timing.leaseDuration, now: wallClock.now() }
    const lease = this.#state.seen?.lease
    const written: KubeObject =
      lease === undefined
        ? await store.create(LEASES, newLease(key, claim))
        : await store.update(LEASES, heldLease(lease, claim))
    return parseLease(written)
  }

  #isOvertaken(error: unknown): boolean {
    const isGone = error instanceof NotFoundError && this.#state.seen?.lease !== undefined
    return isGone || error instanceof ConflictError || error instanceof AlreadyExistsError
  }

  async #look(): Promise<void> {
    const { store, lease: key, identity } = this.#options
    let lease: Lease | undefined
    try {
      lease = parseLease(await store.get(LEASES, key))
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
    }
    this.#reason =
      lease === undefined ? 'its Lease was deleted' : `${lease.holder || 'nobody'} holds the Lease`
    this.#change(saw(this.#state, lease, this.#now(), identity, this.#timing))
  }

  async #release(): Promise<void> {
    const { store, identity, wallClock } = this.#options
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const lease = this.#state.seen?.lease
        if (lease?.holder !== identity) return
        try {
          await store.update(LEASES, releasedLease(lease, wallClock.now()))
          return
        } catch (error) {
          if (!this.#isOvertaken(error)) throw error
          await this.#look()
        }
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'the Lease was not let go: another takes over when it has run out')
    }
  }

  #change(state: ElectionState): void {
    this.#state = state
    this.#tell()
  }

  /** Says what has changed, and looks again when the time is over. */
  #tell(): void {
    const now = this.#now()
    const leads = isLeading(this.#state, now)
    this.#cancelDeadline()
    if (leads && this.#state.leadsUntil !== undefined) {
      const left = milliseconds(Math.ceil(between(now, this.#state.leadsUntil)))
      this.#cancelDeadline = this.#options.clock.after(left, () => this.#tell())
    }
    if (leads === this.#isTold) return
    this.#isTold = leads
    if (leads) {
      this.#reason = 'this process did not run in time'
      this.#log.info('this process leads')
      this.#options.started()
    } else {
      this.#log.info({ reason: this.#reason }, 'this process leads no longer')
      this.#options.ended(this.#reason)
    }
  }

  #now(): Instant {
    return this.#options.clock.now()
  }
}

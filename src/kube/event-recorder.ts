import type { Logger } from 'pino'
import { apiVersionOf, EVENTS, type Resource } from '../api/resource.ts'
import { formatInstant, type Instant, minutes, seconds } from '../api/values/time.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { NotFoundError, NotLeadingError, StoreError, ThrottledError, UnavailableError } from './errors.ts'
import type { Store } from './store.ts'
import { createWorkQueue, type WorkQueue, type WorkResult } from './work-queue.ts'

/** What an event is about. */
export interface EventSubject {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
}

export interface KubeEvent {
  readonly type: 'Normal' | 'Warning'
  /** UpperCamelCase, short, made for machines. */
  readonly reason: string
  /** Made for people: what happened and what to do. */
  readonly message: string
}

/** Kubernetes Events, as `kubectl describe` shows them. Best effort: hints for people, never truth. */
export interface EventRecorder {
  /** Returns at once and never throws. What repeats becomes one Event with a count. */
  record(subject: EventSubject, event: KubeEvent): void
  /** What was not written yet is lost. */
  close(): Promise<void>
}

export interface EventRecorderOptions {
  store: Store
  clock: Clock
  random: Random
  log: Logger
  /** The process that speaks: "managed-dhcp-controller". */
  component: string
  /** The pod or host. */
  instance: string
}

interface Remembered {
  readonly subject: EventSubject
  readonly event: KubeEvent
  readonly first: Instant
  last: Instant
  count: number
  /** Of the Event in the API, once it is there. */
  name: string | undefined
  attempts: number
}

interface Allowance {
  tokens: number
  at: Instant
}

/** How many different events, and how many subjects, are remembered: the oldest are forgotten. */
const REMEMBERED = 1000
/** A subject may cause so many writes at once, and one more a minute: half of what client-go gives a noisy object. */
const BURST = 20
const REFILL = minutes(1)
const ATTEMPTS = 5
const LONGEST_MESSAGE = 1000

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new CountingEventRecorder(options)
}

class CountingEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #queue: WorkQueue
  readonly #remembered = new Map<string, Remembered>()
  readonly #allowances = new Map<string, Allowance>()

  constructor(options: EventRecorderOptions) {
    this.#options = options
    const { clock, random, log } = options
    this.#queue = createWorkQueue({
      process: (key) => this.#write(key),
      clock,
      random,
      log,
      concurrency: 1,
      backoff: { first: seconds(1), longest: seconds(30) },
    })
  }

  record(subject: EventSubject, event: KubeEvent): void {
    const now = this.#options.clock.now()
    const subjectKey = JSON.stringify([
      subject.resource.plural,
      subject.namespace,
      subject.name,
      subject.uid ?? '',
    ])
    const message = event.message.slice(0, LONGEST_MESSAGE)
    const key = JSON.stringify([subjectKey, event.type, event.reason, message])
    const known = this.#remembered.get(key)
    if (known === undefined) {
      remember(this.#remembered, key, {
        subject,
        event: { ...event, message },
        first: now,
        last: now,
        count: 1,
        name: undefined,
        attempts: 0,
      })
    } else {
      known.count += 1
      known.last = now
      remember(this.#remembered, key, known)
    }
    // What is not written now is counted in what is written next.
    if (this.#queue.size < REMEMBERED && this.#mayWrite(subjectKey, now)) this.#queue.add(key)
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  #mayWrite(subjectKey: string, now: Instant): boolean {
    const allowance = this.#allowances.get(subjectKey) ?? { tokens: BURST, at: now }
    allowance.tokens = Math.min(BURST, allowance.tokens + (now - allowance.at) / REFILL)
    allowance.at = now
    remember(this.#allowances, subjectKey, allowance)
    if (allowance.tokens < 1) return false
    allowance.tokens -= 1
    return true
  }

  async #write(key: string): Promise<WorkResult> {
    const remembered = this.#remembered.get(key)
    if (remembered === undefined) return 'done'
    try {
      if (remembered.name === undefined) await this.#create(remembered)
      else await this.#count(remembered, remembered.name)
      remembered.attempts = 0
      return 'done'
    } catch (error) {
      return this.#failed(key, remembered, error)
    }
  }

  #failed(key: string, remembered: Remembered, error: unknown): WorkResult {
    if (error instanceof NotFoundError && remembered.name !== undefined) {
      // Events are kept for an hour or so: begin a new one.
      remembered.name = undefined
      return 'again'
    }
    remembered.attempts += 1
    const mayPass = error instanceof UnavailableError || error instanceof ThrottledError
    if (mayPass && remembered.attempts < ATTEMPTS) {
      if (error instanceof ThrottledError && error.retryAfterSeconds !== undefined) {
        return { againAfter: seconds(error.retryAfterSeconds) }
      }
      return 'again'
    }
    const code = error instanceof StoreError ? error.code : undefined
    // Whoever leads now tells it by itself, if it is still so.
    const level = error instanceof NotLeadingError ? 'debug' : 'warn'
    this.#options.log[level]({ err: error, code, ...remembered.event }, 'event not written')
    this.#remembered.delete(key)
    return 'done'
  }

  async #create(remembered: Remembered): Promise<void> {
    const { store, random, component, instance } = this.#options
    const { subject, event, first, last, count } = remembered
    const name = `${subject.name.slice(0, 200)}.${random.uuid().replaceAll('-', '').slice(0, 16)}`
    await store.create(EVENTS, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: subject.namespace, name },
      involvedObject: {
        apiVersion: apiVersionOf(subject.resource),
        kind: subject.resource.kind,
        namespace: subject.namespace,
        name: subject.name,
        uid: subject.uid,
        resourceVersion: subject.resourceVersion,
      },
      ...event,
      count,
      firstTimestamp: formatInstant(first),
      lastTimestamp: formatInstant(last),
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
    })
    remembered.name = name
  }

  async #count({ subject, count, last }: Remembered, name: string): Promise<void> {
    const body = { count, lastTimestamp: formatInstant(last) }
    await this.#options.store.patch(EVENTS, { namespace: subject.namespace, name }, { type: 'merge', body })
  }
}

/** Puts the entry last and forgets the first when there are too many. */
function remember<T>(entries: Map<string, T>, key: string, value: T): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size <= REMEMBERED) return
  const [oldest] = entries.keys()
  if (oldest !== undefined) entries.delete(oldest)
}

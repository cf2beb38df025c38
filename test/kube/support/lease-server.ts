import { randomUUID } from 'node:crypto'
import type { KubeObject } from '../../../src/api/object.ts'
import { type Duration, milliseconds } from '../../../src/api/values/time.ts'
import {
  AlreadyExistsError,
  ConflictError,
  NotFoundError,
  UnavailableError,
} from '../../../src/kube/errors.ts'
import type { Store } from '../../../src/kube/store.ts'
import type { Clock } from '../../../src/runtime/clock.ts'
import type { ProcessClock } from './process-clock.ts'

/** What becomes of one request. */
export interface Fate {
  /** Until it takes effect. */
  there: Duration
  /** Until its answer is heard. */
  back: Duration
  /** It does not get there; it takes effect and its answer is lost. */
  lost?: 'request' | 'answer'
}

export const PROMPT: Fate = { there: milliseconds(1), back: milliseconds(1) }

/** An API server that knows one Lease, with the compare-and-set of the real one. */
export class LeaseServer {
  lease: KubeObject | undefined
  fate: () => Fate = () => PROMPT
  readonly writes: { verb: string; holder: unknown }[] = []
  readonly #clock: Clock
  #version = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** As one process reaches it. */
  storeFor(process: ProcessClock): Store {
    const request = (act: () => KubeObject) => this.#request(process, act)
    const unused = () => Promise.reject(new Error('an election needs no more than get, create and update'))
    return {
      get: () => request(() => this.#current()),
      create: (_, object) => request(() => this.#create(object)),
      update: (_, object) => request(() => this.#update(object)),
      list: unused,
      patch: unused,
      delete: unused,
      watch: () => {
        throw new Error('an election watches nothing')
      },
    }
  }

  get holder(): unknown {
    return this.spec.holderIdentity
  }

  get spec(): Record<string, unknown> {
    return { ...(this.lease?.spec as Record<string, unknown> | undefined) }
  }

  /** As kubectl does it. */
  edit(change: Record<string, unknown>): void {
    const current = this.#current()
    this.lease = this.#stamped({ ...current, spec: { ...this.spec, ...change } })
  }

  #request(process: ProcessClock, act: () => KubeObject): Promise<KubeObject> {
    const { there, back, lost } = this.fate()
    return new Promise((resolve, reject) => {
      const answer = (say: () => void) => {
        this.#clock.after(back, () => process.whenRunning(say))
      }
      this.#clock.after(there, () => {
        if (lost === 'request') return answer(() => reject(new UnavailableError(0, 'no answer within 2 s')))
        let result: KubeObject
        try {
          result = structuredClone(act())
        } catch (error) {
          return answer(() => reject(error))
        }
        if (lost === 'answer') return answer(() => reject(new UnavailableError(0, 'no answer within 2 s')))
        answer(() => resolve(result))
      })
    })
  }

  #current(): KubeObject {
    if (this.lease === undefined) throw new NotFoundError('leases "controller" not found')
    return this.lease
  }

  #create(object: KubeObject): KubeObject {
    if (this.lease !== undefined) throw new AlreadyExistsError('leases "controller" already exists')
    return this.#write('create', { ...object, metadata: { ...object.metadata, uid: randomUUID() } })
  }

  #update(object: KubeObject): KubeObject {
    const { uid, resourceVersion } = this.#current().metadata
    if (object.metadata.uid !== uid || object.metadata.resourceVersion !== resourceVersion) {
      throw new ConflictError('the object has been modified')
    }
    return this.#write('update', object)
  }

  #write(verb: string, object: KubeObject): KubeObject {
    this.lease = this.#stamped(object)
    this.writes.push({ verb, holder: this.holder })
    return this.lease
  }

  #stamped(object: KubeObject): KubeObject {
    this.#version += 1
    return structuredClone({
      ...object,
      metadata: { ...object.metadata, resourceVersion: `${this.#version}` },
    })
  }
}

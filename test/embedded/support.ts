import { pino } from 'pino'
import type { KubeObject } from '../../src/api/object.ts'
import { type Duration, toInstant } from '../../src/api/values/time.ts'
import {
  type EmbeddedApi,
  type EmbeddedApiOptions,
  openEmbeddedApi,
} from '../../src/embedded/embedded-api.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { type Random, systemRandom } from '../../src/runtime/random.ts'

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #now = toInstant(Date.parse('2024-02-15T13:17:21Z'))
  #timers = new Map<symbol, { due: number; action: () => void }>()

  now() {
    return this.#now
  }

  after(delay: Duration, action: () => void) {
    const id = Symbol('timer')
    this.#timers.set(id, { due: this.#now + delay, action })
    return () => {
      this.#timers.delete(id)
    }
  }

  advance(duration: Duration): void {
    const end = this.#now + duration
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, timer]) => timer.due <= end)
        .sort(([, a], [, b]) => a.due - b.due)
      if (!next) break
      const [id, timer] = next
      this.#timers.delete(id)
      this.#now = toInstant(timer.due)
      timer.action()
    }
    this.#now = toInstant(end)
  }
}

export const random: Random = systemRandom
export const silent = pino({ level: 'silent' })

export function openTestApi(options: Partial<EmbeddedApiOptions> = {}): Promise<EmbeddedApi> {
  return openEmbeddedApi({ clock: new ManualClock(), random, log: silent, ...options })
}

export function ipPool(name: string, changes: Partial<KubeObject> = {}): KubeObject {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    spec: {
      networkName: 'default/net-48',
      ipv4Config: {
        serverIP: '192.168.48.77',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.81', end: '192.168.48.90' },
      },
    },
    ...changes,
    metadata: { name, namespace: 'default', ...changes.metadata },
  }
}

/** The error that a promise is rejected with. */
export async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it was not refused')
}

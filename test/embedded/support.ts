import { pino } from 'pino'
import type { KubeObject } from '../../src/api/object.ts'
import {
  type EmbeddedApi,
  type EmbeddedApiOptions,
  openEmbeddedApi,
} from '../../src/embedded/embedded-api.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'

export const silent = pino({ level: 'silent' })

export function openTestApi(options: Partial<EmbeddedApiOptions> = {}): Promise<EmbeddedApi> {
  return openEmbeddedApi({ clock: new ManualClock(), random: seededRandom(), log: silent, ...options })
}

export function ipPool(name: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  return {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      networkName: 'default/net-48',
      ipv4Config: {
        serverIP: '192.168.48.77',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.81', end: '192.168.48.90' },
      },
    },
  }
}

/** The error that something is refused with. */
export async function refusalOf(request: () => unknown): Promise<Error> {
  try {
    await request()
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it was not refused')
}

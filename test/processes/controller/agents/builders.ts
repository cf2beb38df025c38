import type { IPPool } from '../../../../src/api/ippool.ts'
import type { KubeObject } from '../../../../src/api/object.ts'
import type { AgentAction, Seen } from '../../../../src/processes/controller/agents/decide.ts'
import { decideAgent } from '../../../../src/processes/controller/agents/decide.ts'
import {
  type AgentSettings,
  type Deployment,
  deploymentSchema,
} from '../../../../src/processes/controller/agents/deployment.ts'
import { condition, poolObject } from '../../../support/objects.ts'

export const KEY = { namespace: 'default', name: 'net-48' }

export const SETTINGS: AgentSettings = {
  namespace: 'harvester-system',
  image: 'managed-dhcp:0.1.0',
  nats: 'nats://managed-dhcp-nats:4222',
  natsCredentialsSecret: 'managed-dhcp-nats-credentials',
  natsCaConfigMap: undefined,
}

/** The documentation's network, registered with the documentation's pool. */
export function networkObject(labels: Record<string, string> = {}): KubeObject {
  return {
    metadata: {
      name: 'net-48',
      namespace: 'default',
      labels: {
        'network.harvesterhci.io/clusternetwork': 'mgmt',
        'network.harvesterhci.io/ippool-namespace': 'default',
        'network.harvesterhci.io/ippool-name': 'net-48',
        ...labels,
      },
    },
  }
}

export function registered(changes: Parameters<typeof poolObject>[0] = {}): IPPool {
  return poolObject({ status: { conditions: [condition('Registered', 'True')] }, ...changes })
}

export function seen(changes: Partial<Seen> = {}): Seen {
  return {
    key: KEY,
    pool: registered(),
    network: networkObject(),
    own: [],
    isTaken: () => false,
    isAsWritten: () => false,
    ...changes,
  }
}

/** The Deployment as the controller makes it for what it sees. */
export function created(changes: Partial<Seen> = {}, settings = SETTINGS): Deployment {
  const action = decideAgent(seen(changes), settings)
  if (action.type !== 'create') throw new Error(`nothing is created: ${JSON.stringify(action)}`)
  return action.deployment
}

/** The same as an API server has it: with an identity and defaults. */
export function stored(
  deployment: Deployment = created(),
  metadata: Partial<Deployment['metadata']> = {},
): Deployment {
  const { spec } = deployment
  return deploymentSchema.parse({
    ...deployment,
    metadata: {
      ...deployment.metadata,
      uid: 'deployment-uid',
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: {
      ...spec,
      progressDeadlineSeconds: 600,
      template: {
        ...spec.template,
        spec: {
          ...spec.template.spec,
          dnsPolicy: 'ClusterFirst',
          restartPolicy: 'Always',
          containers: spec.template.spec.containers.map((container) => ({
            ...container,
            terminationMessagePath: '/dev/termination-log',
          })),
        },
      },
    },
  })
}

export function decided<Type extends AgentAction['type']>(
  type: Type,
  changes: Partial<Seen>,
  settings = SETTINGS,
): Extract<AgentAction, { type: Type }> {
  const action = decideAgent(seen(changes), settings)
  if (action.type !== type) throw new Error(`expected ${type}: ${JSON.stringify(action)}`)
  return action as Extract<AgentAction, { type: Type }>
}

import type { IPPool } from '../../../api/ippool.ts'
import { DEPLOYMENTS } from '../../../api/resource.ts'
import { keyOf } from '../../../kube/object-cache.ts'
import type { Store } from '../../../kube/store.ts'
import type { AgentAction } from './decide.ts'
import type { Deployment } from './deployment.ts'

/** A Kubernetes event about the pool. */
export type Note = (
  pool: IPPool | undefined,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void

/** Carries out decisions, and remembers what the API server made of them. */
export interface AgentWriter {
  /** @throws StoreError */
  carryOut(action: AgentAction, pool: IPPool | undefined): Promise<void>
  /** Nobody has changed it since our last write; admission may have. */
  isAsWritten(deployment: Deployment): boolean
  forget(uid: string): void
}

export function createAgentWriter(store: Store, note: Note): AgentWriter {
  /** By uid. Admission may have changed what we said: saying it again would never end. */
  const generations = new Map<string, number | undefined>()
  const remember = ({ uid, generation }: Deployment['metadata']) => {
    if (uid !== undefined) generations.set(uid, generation)
  }

  return {
    async carryOut(action, pool) {
      switch (action.type) {
        case 'create': {
          const { deployment, nameTaken } = action
          const { namespace, name } = deployment.metadata
          remember((await store.create(DEPLOYMENTS, deployment)).metadata)
          note(pool, 'Normal', 'AgentDeployed', `Deployment ${namespace}/${name} serves the network`)
          if (nameTaken === undefined) return
          const why = `the Deployment ${namespace}/${nameTaken} is no agent of this IPPool and is left alone`
          return note(pool, 'Warning', 'AgentNameTaken', `${why}; the agent is ${namespace}/${name}`)
        }
        case 'update': {
          const { current, deployment, why } = action
          const { namespace, name, labels, annotations } = deployment.metadata
          // With its resourceVersion: a compare-and-set. What others wrote into labels and annotations stays.
          const metadata = {
            ...current.metadata,
            labels: { ...current.metadata.labels, ...labels },
            annotations: { ...current.metadata.annotations, ...annotations },
          }
          remember((await store.update(DEPLOYMENTS, { ...deployment, metadata })).metadata)
          return note(pool, 'Normal', 'AgentUpdated', `Deployment ${namespace}/${name}: ${why}`)
        }
        case 'delete': {
          const { uid, resourceVersion, namespace, name } = action.deployment.metadata
          await store.delete(DEPLOYMENTS, keyOf(action.deployment), {
            ...(uid === undefined ? {} : { uid }),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          })
          return note(pool, 'Normal', 'AgentRemoved', `Deployment ${namespace}/${name}: ${action.why}`)
        }
        case 'none':
          return
      }
    },
    isAsWritten: ({ metadata: { uid = '', generation } }) =>
      generations.has(uid) && generations.get(uid) === generation,
    forget: (uid) => generations.delete(uid),
  }
}

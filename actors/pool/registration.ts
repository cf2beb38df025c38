import { describeProblems } from '../../src/api/field-problem.ts'
import {
  type IPPool,
  ipPoolSchema,
  NETWORK_POOL_NAME_LABEL,
  NETWORK_POOL_NAMESPACE_LABEL,
} from '../../src/api/ippool.ts'
import type { KubeObject } from '../../src/api/object.ts'
import { poolNameProblem } from '../../src/api/pool-name.ts'
import { IP_POOLS, NETWORK_ATTACHMENT_DEFINITIONS } from '../../src/api/resource.ts'
import {
  formatObjectKey,
  type ObjectKey,
  parseObjectKey,
  sameObjectKey,
} from '../../src/api/values/object-key.ts'
import { KindNotServedError, NotFoundError } from '../../src/kube/errors.ts'
import type { Store } from '../../src/kube/store.ts'
import type { Registration } from './messages.ts'
import { annotationsWithRests, restsOnNetwork } from './network-rests.ts'

/** Labels the network with its pool, unless another pool serves it already. @throws StoreError */
export async function registerNetwork(store: Store, pool: IPPool): Promise<Registration> {
  const network = networkOf(pool)
  if (network === undefined) {
    const message = `spec.networkName: "${pool.spec.networkName}" is not a namespaced name such as default/net-48`
    return { registered: false, reason: 'InvalidSpec', message }
  }
  const poolKey = keyOf(pool)
  const problem = poolNameProblem(poolKey.name)
  if (problem !== undefined) {
    return { registered: false, reason: 'InvalidName', message: describeProblems([problem]) }
  }
  let definition: KubeObject
  try {
    definition = await store.get(NETWORK_ATTACHMENT_DEFINITIONS, network)
  } catch (error) {
    if (error instanceof KindNotServedError) {
      const message = 'the API server knows no NetworkAttachmentDefinitions; install Multus'
      return { registered: false, reason: 'NetworkNotFound', message }
    }
    if (!(error instanceof NotFoundError)) throw error
    const message = `there is no NetworkAttachmentDefinition ${formatObjectKey(network)}; create it, or correct spec.networkName`
    return { registered: false, reason: 'NetworkNotFound', message }
  }
  const labelled = labelledPool(definition)
  const resting = restsOnNetwork(definition)
  if (labelled !== undefined && sameObjectKey(labelled, poolKey)) return { registered: true, resting }
  if (labelled !== undefined && (await serves(store, labelled, network))) {
    const message = `the network ${formatObjectKey(network)} is served by the IPPool ${formatObjectKey(labelled)}; delete one of the two`
    return { registered: false, reason: 'NetworkInUse', message }
  }
  const labels = {
    [NETWORK_POOL_NAMESPACE_LABEL]: poolKey.namespace,
    [NETWORK_POOL_NAME_LABEL]: poolKey.name,
  }
  await annotate(store, definition, { labels })
  return { registered: true, resting }
}

/**
 * Takes this pool's labels off every network but `kept`: it may have served another before. What rests is written down
 * there for the next pool. @throws StoreError
 */
export async function unregisterNetworks(store: Store, pool: IPPool, kept?: ObjectKey): Promise<void> {
  const { namespace, name } = keyOf(pool)
  // It has never labelled anything, and the API server would refuse the selector.
  if (poolNameProblem(name) !== undefined) return
  const labelSelector = `${NETWORK_POOL_NAMESPACE_LABEL}=${namespace},${NETWORK_POOL_NAME_LABEL}=${name}`
  const items = await store.list(NETWORK_ATTACHMENT_DEFINITIONS, { labelSelector }).then(
    (list) => list.items,
    (error: unknown) => {
      // Multus is gone, and its labels with it. Labels that outlive their pool would be taken over.
      if (error instanceof KindNotServedError) return []
      throw error
    },
  )
  for (const definition of items) {
    if (kept !== undefined && sameObjectKey(keyOf(definition), kept)) continue
    try {
      const labels = { [NETWORK_POOL_NAMESPACE_LABEL]: null, [NETWORK_POOL_NAME_LABEL]: null }
      await annotate(store, definition, { labels, annotations: annotationsWithRests(definition, pool) })
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
    }
  }
}

async function annotate(
  store: Store,
  definition: KubeObject,
  change: { labels: Record<string, string | null>; annotations?: Record<string, string> },
): Promise<void> {
  const { resourceVersion } = definition.metadata
  const body = { metadata: { resourceVersion, ...change } }
  await store.patch(NETWORK_ATTACHMENT_DEFINITIONS, keyOf(definition), { type: 'merge', body })
}

async function serves(store: Store, key: ObjectKey, network: ObjectKey): Promise<boolean> {
  try {
    const other = ipPoolSchema.safeParse(await store.get(IP_POOLS, key)).data
    const served = other === undefined ? undefined : networkOf(other)
    return served !== undefined && sameObjectKey(served, network)
  } catch (error) {
    if (error instanceof NotFoundError) return false
    throw error
  }
}

function labelledPool(definition: KubeObject): ObjectKey | undefined {
  const namespace = definition.metadata.labels?.[NETWORK_POOL_NAMESPACE_LABEL]
  const name = definition.metadata.labels?.[NETWORK_POOL_NAME_LABEL]
  return namespace === undefined || name === undefined ? undefined : { namespace, name }
}

export function networkOf(pool: IPPool): ObjectKey | undefined {
  try {
    return parseObjectKey(pool.spec.networkName, pool.metadata.namespace)
  } catch {
    return undefined
  }
}

function keyOf({ metadata }: KubeObject): ObjectKey {
  return { namespace: metadata.namespace ?? '', name: metadata.name }
}

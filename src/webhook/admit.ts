import type { KubeObject } from '../api/object.ts'
import { IP_POOLS, type Resource, VM_NETWORK_CONFIGS } from '../api/resource.ts'
import type { ClusterView } from './cluster-view.ts'
import { completePool, isEdited, normalizeConfig } from './mutate.ts'
import { validateConfigWrite } from './validate-config.ts'
import { type PoolRules, validatePoolDeletion, validatePoolWrite } from './validate-pool.ts'
import { type AdmissionRequest, allowed, type Verdict } from './verdict.ts'

/** What is stored in the place of the object: itself, where there is nothing to fill in. @throws StoreError */
export async function mutate(request: AdmissionRequest, view: ClusterView): Promise<KubeObject | undefined> {
  const { object, oldObject } = request
  if (object === undefined || !isEdited(object, oldObject)) return object
  if (isKind(request, IP_POOLS)) return completePool(object, oldObject, view)
  return isKind(request, VM_NETWORK_CONFIGS) ? normalizeConfig(object) : object
}

/**
 * Whether it may be. What was accepted once stays editable in its metadata, and deletable where nobody needs it: an
 * unchanged spec is not looked at again.
 * @throws StoreError when the cluster cannot be asked
 */
export async function validate(
  request: AdmissionRequest,
  view: ClusterView,
  rules: PoolRules,
): Promise<Verdict> {
  const { operation, object, oldObject } = request
  if (operation === 'DELETE') {
    const isPool = oldObject !== undefined && isKind(request, IP_POOLS)
    return isPool ? validatePoolDeletion(oldObject, view) : allowed()
  }
  if (object === undefined || !isEdited(object, oldObject)) return allowed()
  if (isKind(request, IP_POOLS)) return validatePoolWrite(object, oldObject, view, rules)
  return isKind(request, VM_NETWORK_CONFIGS) ? validateConfigWrite(object, oldObject, view) : allowed()
}

function isKind({ resource }: AdmissionRequest, kind: Resource): boolean {
  return resource.group === kind.group && resource.plural === kind.plural
}

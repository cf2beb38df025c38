import { IP_POOLS, VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../api/resource.ts'
import type { Admission, AdmissionAnswer, AdmissionRequest } from '../../embedded/admission.ts'
import type { Store } from '../../kube/store.ts'
import { mutate, validate } from '../../webhook/admit.ts'
import type { ClusterView } from '../../webhook/cluster-view.ts'
import { createStoreClusterView } from '../../webhook/store-cluster-view.ts'
import type { Verdict } from '../../webhook/verdict.ts'

/**
 * What a cluster's webhook does, in the API server of this process: the same defaults, the same refusals.
 *
 * Two things differ. There is no telling who writes, and the controller must be let: what a VM owns is written by it,
 * and its status says what is wrong with it. And a network may come after its pool, since nobody but the user makes
 * networks here; the pool waits for it.
 */
export function createStandaloneAdmission(store: () => Store): Admission {
  let view: ClusterView | undefined
  return async (request) => {
    if (!isOurs(request) || isOfTheController(request)) return { allowed: true }
    view ??= createStoreClusterView({ store: store() })
    const object = await mutate(request, view)
    const verdict = await validate({ ...request, object }, view, { missingNetwork: 'warn' })
    if (!verdict.allowed) return refusal(verdict)
    return { allowed: true, warnings: verdict.warnings, ...(object === undefined ? {} : { object }) }
  }
}

function refusal(verdict: Extract<Verdict, { allowed: false }>): AdmissionAnswer {
  const { message } = verdict
  if (verdict.reason === 'Forbidden') return { allowed: false, message }
  const causes = verdict.problems.map(({ path, message: what }) => ({
    reason: 'FieldValueInvalid',
    field: path,
    message: what,
  }))
  return { allowed: false, message, causes }
}

function isOurs({ resource }: AdmissionRequest): boolean {
  return [IP_POOLS, VM_NETWORK_CONFIGS].some(
    ({ group, plural }) => resource.group === group && resource.plural === plural,
  )
}

function isOfTheController({ resource, object }: AdmissionRequest): boolean {
  const owners = object?.metadata.ownerReferences ?? []
  return (
    resource.plural === VM_NETWORK_CONFIGS.plural && owners.some(({ kind }) => kind === VIRTUAL_MACHINES.kind)
  )
}

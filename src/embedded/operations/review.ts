import type { KubeObject } from '../../api/object.ts'
import { fieldsOf, valueAt } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'

/** The review kinds are answered, not stored: everybody who gets in may do everything. */
export function answerReview(resource: ServedResource, body: unknown): KubeObject {
  const allowed = { allowed: true, reason: 'this server does not restrict its clients' }
  const everything = { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] }
  const statuses: Record<string, unknown> = {
    selfsubjectaccessreviews: allowed,
    selfsubjectrulesreviews: { ...everything, nonResourceRules: [], incomplete: false },
    selfsubjectreviews: { userInfo: { username: 'system:admin', groups: ['system:masters'] } },
  }
  return {
    apiVersion: `${resource.group}/${resource.version}`,
    kind: resource.kind,
    metadata: { ...fieldsOf(valueAt(body, 'metadata')), name: '' },
    spec: valueAt(body, 'spec') ?? {},
    status: statuses[resource.plural] ?? {},
  }
}

import type { Resource } from '../../../../src/api/resource.ts'

const core = (plural: string, kind: string, namespaced = true): Resource => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
})

export const PODS = core('pods', 'Pod')
export const NODES = core('nodes', 'Node', false)
export const SECRETS = core('secrets', 'Secret')
export const CONFIG_MAPS = core('configmaps', 'ConfigMap')
export const LEASES: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}
export const ENDPOINT_SLICES: Resource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
}

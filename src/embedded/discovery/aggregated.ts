import type { Fields } from '../json.ts'
import type { Registry } from '../resources/registry.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { STATUS_VERBS } from './groups.ts'

/** All groups, versions and resources in one answer (apidiscovery.k8s.io/v2), which is what kubectl asks for. */
export function aggregatedDiscovery(registry: Registry, which: 'core' | 'named'): Fields {
  const groups = [...registry.groups()].filter(([name]) => (name === '') === (which === 'core'))
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(([name, versions]) => ({
      metadata: { name: name === '' ? null : name, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        resources: registry.inGroupVersion(name, version).map(discoveryOf),
        freshness: 'Current',
      })),
    })),
  }
}

function discoveryOf(resource: ServedResource): Fields {
  const { group, version, kind, plural, singular, namespaced, verbs, shortNames, categories } = resource
  const responseKind = { group, version, kind }
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(resource.statusSubresource
      ? { subresources: [{ subresource: 'status', responseKind, verbs: STATUS_VERBS }] }
      : {}),
  }
}

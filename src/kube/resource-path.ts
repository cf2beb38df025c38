import type { Resource } from '../api/resource.ts'
import type { Subresource } from './store.ts'

/** The path of a collection or, with a name, of an object. No namespace: all of them, or a cluster-wide kind. */
export function resourcePath(
  resource: Resource,
  namespace?: string,
  name?: string,
  subresource?: Subresource,
): string {
  const parts = resource.group === '' ? ['api'] : ['apis', resource.group]
  parts.push(resource.version)
  if (resource.namespaced && namespace) parts.push('namespaces', namespace)
  parts.push(resource.plural)
  if (name !== undefined) parts.push(name)
  if (subresource !== undefined) parts.push(subresource)
  return `/${parts.map(encodeURIComponent).join('/')}`
}

import type { Resource } from '../../api/resource.ts'
import { ANYTHING } from '../schema/structural.ts'
import { AGE, BUILTIN_COLUMNS } from './builtin-columns.ts'
import { BUILTIN_VALIDATORS } from './builtin-validation.ts'
import { EVENT_CONVERSION } from './event-conversion.ts'
import { ALL_VERBS, type ServedResource } from './served-resource.ts'

interface Row {
  groupVersion: string
  kind: string
  plural: string
  shortNames?: string[]
  categories?: string[]
  clusterScoped?: boolean
  status?: boolean
  generation?: boolean
  verbs?: string[]
}

/** The built-in kinds that the parts of this project, kubectl and its users meet. Their fields are not checked. */
const ROWS: readonly Row[] = [
  {
    groupVersion: 'v1',
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    clusterScoped: true,
    status: true,
  },
  {
    groupVersion: 'v1',
    kind: 'Node',
    plural: 'nodes',
    shortNames: ['no'],
    clusterScoped: true,
    status: true,
  },
  { groupVersion: 'v1', kind: 'Pod', plural: 'pods', shortNames: ['po'], categories: ['all'], status: true },
  {
    groupVersion: 'v1',
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    status: true,
  },
  { groupVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'] },
  { groupVersion: 'v1', kind: 'Secret', plural: 'secrets' },
  { groupVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'] },
  { groupVersion: 'v1', kind: 'Event', plural: 'events', shortNames: ['ev'] },
  { groupVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', shortNames: ['ev'] },
  { groupVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' },
  {
    groupVersion: 'apps/v1',
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    categories: ['all'],
    status: true,
    generation: true,
  },
  {
    groupVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    clusterScoped: true,
    status: true,
    generation: true,
  },
  {
    groupVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    clusterScoped: true,
    verbs: ['create'],
  },
  {
    groupVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    plural: 'selfsubjectrulesreviews',
    clusterScoped: true,
    verbs: ['create'],
  },
  {
    groupVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    clusterScoped: true,
    verbs: ['create'],
  },
]

export const BUILTIN_RESOURCES: readonly ServedResource[] = ROWS.map(toServedResource)

function find(plural: string): ServedResource {
  const resource = BUILTIN_RESOURCES.find((candidate) => candidate.plural === plural)
  if (!resource) throw new RangeError(`no built-in kind ${plural}`)
  return resource
}

export const NAMESPACES: ServedResource = find('namespaces')
export const CUSTOM_RESOURCE_DEFINITIONS: ServedResource = find('customresourcedefinitions')

function toServedResource(row: Row): ServedResource {
  const { groupVersion, kind, plural } = row
  const slash = groupVersion.indexOf('/')
  const resource: Resource = {
    group: slash < 0 ? '' : groupVersion.slice(0, slash),
    version: groupVersion.slice(slash + 1),
    plural,
    kind,
    namespaced: row.clusterScoped !== true,
  }
  return {
    ...resource,
    singular: kind.toLowerCase(),
    listKind: `${kind}List`,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    verbs: row.verbs ?? ALL_VERBS,
    storageKey: plural === 'events' ? '/events' : `${resource.group}/${plural}`,
    statusSubresource: row.status === true,
    tracksGeneration: row.generation === true,
    allowsUnconditionalUpdate: plural !== 'customresourcedefinitions' && plural !== 'leases',
    custom: false,
    schema: ANYTHING,
    validate: BUILTIN_VALIDATORS[plural] ?? (() => []),
    columns: BUILTIN_COLUMNS[plural] ?? [AGE],
    ...(resource.group === 'events.k8s.io' ? { convert: EVENT_CONVERSION } : {}),
  }
}

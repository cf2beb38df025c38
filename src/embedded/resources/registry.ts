import type { Resource } from '../../api/resource.ts'
import { BUILTIN_RESOURCES } from './builtin.ts'
import type { ServedResource } from './served-resource.ts'

/** Which kinds are served at the moment. */
export class Registry {
  readonly #resources = new Map<string, ServedResource>()
  /** The name of the CustomResourceDefinition → what it added. */
  readonly #custom = new Map<string, readonly ServedResource[]>()

  constructor() {
    for (const resource of BUILTIN_RESOURCES) this.#resources.set(keyOf(resource), resource)
  }

  find(resource: Pick<Resource, 'group' | 'version' | 'plural'>): ServedResource | undefined {
    return this.#resources.get(keyOf(resource))
  }

  /** Any served version of a kind, as ownerReferences name it. */
  findKind(apiVersion: string, kind: string): ServedResource | undefined {
    return this.all().find(
      (resource) =>
        resource.kind === kind && `${resource.group}/${resource.version}`.replace(/^\//, '') === apiVersion,
    )
  }

  all(): ServedResource[] {
    return [...this.#resources.values()]
  }

  /** One resource for each stored kind: what has to be looked through to see every object. */
  stored(): ServedResource[] {
    const byStorage = new Map<string, ServedResource>()
    for (const resource of this.#resources.values()) {
      if (resource.verbs.includes('list') && !byStorage.has(resource.storageKey)) {
        byStorage.set(resource.storageKey, resource)
      }
    }
    return [...byStorage.values()]
  }

  /** Replaces what the definition of that name served before. */
  define(definition: string, resources: readonly ServedResource[]): void {
    this.undefine(definition)
    this.#custom.set(definition, resources)
    for (const resource of resources) this.#resources.set(keyOf(resource), resource)
  }

  undefine(definition: string): void {
    for (const resource of this.#custom.get(definition) ?? []) this.#resources.delete(keyOf(resource))
    this.#custom.delete(definition)
  }

  definedBy(definition: string): readonly ServedResource[] {
    return this.#custom.get(definition) ?? []
  }

  /** Group → its versions, most stable and newest first. */
  groups(): Map<string, string[]> {
    const groups = new Map<string, Set<string>>()
    for (const { group, version } of this.#resources.values()) {
      groups.set(group, (groups.get(group) ?? new Set()).add(version))
    }
    return new Map([...groups].map(([group, versions]) => [group, [...versions].sort(compareVersions)]))
  }

  inGroupVersion(group: string, version: string): ServedResource[] {
    return this.all().filter((resource) => resource.group === group && resource.version === version)
  }
}

const STABILITY: Record<string, number> = { '': 2, beta: 1, alpha: 0 }
const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/

/** v2 before v1 before v1beta1 before v1alpha1 before anything else (k8s.io/apimachinery/pkg/version). */
export function compareVersions(a: string, b: string): number {
  const [first, second] = [VERSION.exec(a), VERSION.exec(b)]
  if (!first || !second) return first ? -1 : second ? 1 : a < b ? -1 : a > b ? 1 : 0
  const rank = (match: RegExpExecArray): number[] => [
    STABILITY[match[2] ?? ''] ?? 0,
    Number(match[1]),
    Number(match[3] ?? 0),
  ]
  const [ranksA, ranksB] = [rank(first), rank(second)]
  for (const [index, value] of ranksA.entries()) {
    const difference = (ranksB[index] ?? 0) - value
    if (difference !== 0) return difference
  }
  return 0
}

function keyOf({ group, version, plural }: Pick<Resource, 'group' | 'version' | 'plural'>): string {
  return `${group}/${version}/${plural}`
}

/**
 * How lists of the built-in kinds merge: field name → the key that tells their items apart.
 * A list that is not here is replaced as a whole. (`patchMergeKey` in k8s.io/api; the names are
 * unambiguous among the kinds that are served, so the kind is not looked at.)
 */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  ownerReferences: 'uid',
  addresses: 'type',
  secrets: 'name',
}

/** Lists of plain values that merge as sets. */
export const MERGED_SETS: readonly string[] = ['finalizers', 'podCIDRs']

/** @param parent the field that holds the list's owner: `ports` means other things in a container and in a Service */
export function mergeKeyOf(field: string, parent: string): string | undefined {
  if (field === 'ports')
    return parent === 'containers' || parent === 'initContainers' ? 'containerPort' : 'port'
  return Object.hasOwn(MERGE_KEYS, field) ? MERGE_KEYS[field] : undefined
}

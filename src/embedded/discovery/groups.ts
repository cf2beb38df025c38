import type { Fields } from '../json.ts'
import type { Registry } from '../resources/registry.ts'

/** The Kubernetes release whose behaviour is followed. */
const VERSION = { major: '1', minor: '32', gitVersion: 'v1.32.0+managed-dhcp' }

export function versionInfo(): Fields {
  return {
    ...VERSION,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '',
    goVersion: '',
    compiler: 'node',
    platform: 'embedded',
  }
}

interface GroupVersion {
  groupVersion: string
  version: string
}

export interface Group {
  name: string
  versions: GroupVersion[]
  preferredVersion: GroupVersion | undefined
}

/** GET /apis */
export function groupList(registry: Registry): { kind: string; apiVersion: string; groups: Group[] } {
  const groups = [...registry.groups()]
    .filter(([name]) => name !== '')
    .map(([name, names]) => {
      const versions = names.map((version) => ({ groupVersion: `${name}/${version}`, version }))
      return { name, versions, preferredVersion: versions[0] }
    })
  return { kind: 'APIGroupList', apiVersion: 'v1', groups }
}

/** GET /apis/GROUP/VERSION */
export function resourceList(registry: Registry, group: string, version: string): Fields {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: registry.inGroupVersion(group, version).flatMap((resource) => {
      const { plural, singular, kind, namespaced, verbs, shortNames, categories } = resource
      const entry = {
        name: plural,
        singularName: singular,
        namespaced,
        kind,
        verbs,
        ...(shortNames.length > 0 ? { shortNames } : {}),
        ...(categories.length > 0 ? { categories } : {}),
      }
      if (!resource.statusSubresource) return [entry]
      const status = { name: `${plural}/status`, singularName: '', namespaced, kind, verbs: STATUS_VERBS }
      return [entry, status]
    }),
  }
}

export const STATUS_VERBS = ['get', 'patch', 'update']

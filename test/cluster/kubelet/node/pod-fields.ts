import { ContainerConfigError } from '../spec/identity.ts'
import type { Pod } from '../spec/pod-schema.ts'

/** A field of the pod as `fieldRef` and the downward API name it. @throws ContainerConfigError */
export function podField(pod: Pod, path: string, addresses: { pod: string; host: string }): string {
  const { metadata, spec } = pod
  const entry = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path)
  if (entry !== null)
    return metadata[entry[1] === 'labels' ? 'labels' : 'annotations']?.[entry[2] ?? ''] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace
    case 'metadata.uid':
      return metadata.uid
    case 'spec.nodeName':
      return spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return spec.serviceAccountName
    case 'status.podIP':
    case 'status.podIPs':
      return addresses.pod
    case 'status.hostIP':
      return addresses.host
    default:
      throw new ContainerConfigError(`the emulated kubelet knows no field ${path}`)
  }
}

import type { ContainerSecurityContext } from './container-schema.ts'
import type { Image } from './image.ts'
import type { PodSecurityContext } from './pod-schema.ts'

/** As whom a container runs, and what it may do. */
export interface Identity {
  readonly user: number
  readonly group: number
  readonly supplementalGroups: readonly number[]
  /** Without the prefix CAP_, in lower case, sorted. */
  readonly capabilities: readonly string[]
  readonly noNewPrivileges: boolean
  readonly readOnlyRoot: boolean
}

/** What containerd gives to a container that says nothing. */
const DEFAULT_CAPABILITIES = [
  ...[
    'audit_write',
    'chown',
    'dac_override',
    'fowner',
    'fsetid',
    'kill',
    'mknod',
    'net_bind_service',
    'net_raw',
  ],
  ...['setfcap', 'setgid', 'setpcap', 'setuid', 'sys_chroot'],
]

/** kubelet's CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError'
}

/** @throws ContainerConfigError when it must not, but would run as root */
export function identityOf(
  container: { name: string; securityContext: ContainerSecurityContext },
  pod: PodSecurityContext,
  image: Image,
): Identity {
  const own = container.securityContext
  const user = own.runAsUser ?? pod.runAsUser ?? image.user ?? 0
  const isNonRoot = own.runAsNonRoot ?? pod.runAsNonRoot ?? false
  if (isNonRoot && user === 0) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image will run as root (container: ${container.name})`,
    )
  }
  return {
    user,
    group: own.runAsGroup ?? pod.runAsGroup ?? image.group ?? 0,
    supplementalGroups: [
      ...(pod.fsGroup === undefined ? [] : [pod.fsGroup]),
      ...(pod.supplementalGroups ?? []),
    ],
    capabilities: capabilitiesOf(own.capabilities ?? {}),
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    readOnlyRoot: own.readOnlyRootFilesystem ?? false,
  }
}

function capabilitiesOf({
  add = [],
  drop = [],
}: {
  add?: readonly string[] | undefined
  drop?: readonly string[] | undefined
}): string[] {
  const names = (list: readonly string[]) => list.map((name) => name.toLowerCase().replace(/^cap_/, ''))
  const [added, dropped] = [names(add), names(drop)]
  if (added.includes('all')) throw new ContainerConfigError('capabilities.add: ALL is not emulated')
  const kept = dropped.includes('all') ? [] : DEFAULT_CAPABILITIES.filter((name) => !dropped.includes(name))
  return [...new Set([...kept, ...added])].sort()
}

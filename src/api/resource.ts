/** Where the API server keeps a kind: enough to build its URL. */
export interface Resource {
  /** '' is the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

const namespaced = (group: string, version: string, plural: string, kind: string): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced: true,
})

const clusterScoped = (group: string, version: string, plural: string, kind: string): Resource => ({
  ...namespaced(group, version, plural, kind),
  namespaced: false,
})

export const IP_POOLS = namespaced('network.harvesterhci.io', 'v1alpha1', 'ippools', 'IPPool')
export const VM_NETWORK_CONFIGS = namespaced(
  'network.harvesterhci.io',
  'v1alpha1',
  'virtualmachinenetworkconfigs',
  'VirtualMachineNetworkConfig',
)
export const NETWORK_ATTACHMENT_DEFINITIONS = namespaced(
  'k8s.cni.cncf.io',
  'v1',
  'network-attachment-definitions',
  'NetworkAttachmentDefinition',
)
export const VIRTUAL_MACHINES = namespaced('kubevirt.io', 'v1', 'virtualmachines', 'VirtualMachine')
export const VIRTUAL_MACHINE_INSTANCES = namespaced(
  'kubevirt.io',
  'v1',
  'virtualmachineinstances',
  'VirtualMachineInstance',
)
export const NAMESPACES = clusterScoped('', 'v1', 'namespaces', 'Namespace')
export const SERVICES = namespaced('', 'v1', 'services', 'Service')
export const SERVICE_CIDRS = clusterScoped('networking.k8s.io', 'v1', 'servicecidrs', 'ServiceCIDR')
export const SECRETS = namespaced('', 'v1', 'secrets', 'Secret')
export const VALIDATING_WEBHOOK_CONFIGURATIONS = clusterScoped(
  'admissionregistration.k8s.io',
  'v1',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
)
export const MUTATING_WEBHOOK_CONFIGURATIONS = clusterScoped(
  'admissionregistration.k8s.io',
  'v1',
  'mutatingwebhookconfigurations',
  'MutatingWebhookConfiguration',
)
export const EVENTS = namespaced('', 'v1', 'events', 'Event')
export const DEPLOYMENTS = namespaced('apps', 'v1', 'deployments', 'Deployment')
export const PODS = namespaced('', 'v1', 'pods', 'Pod')

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

import * as z from 'zod'
import { conditionSchema } from './condition.ts'
import { kubeObjectSchema } from './object.ts'
import { ifReadable, readableList } from './readable-fields.ts'

const requestedNetworkSchema = z.looseObject({
  macAddress: z.string(),
  networkName: z.string(),
  ipAddress: z.string().optional(),
})

const networkStatusSchema = z.looseObject({
  allocatedIPAddress: z.string().optional(),
  macAddress: z.string(),
  networkName: z.string(),
  state: z.string().optional(),
  message: z.string().optional(),
})

/** The shape of a VirtualMachineNetworkConfig as it is stored, in both spellings. */
export const vmNetworkConfigSchema = kubeObjectSchema.extend({
  spec: z.looseObject({
    vmName: z.string().optional(),
    paused: z.boolean().optional(),
    networkConfig: z.array(requestedNetworkSchema).optional(),
    networkConfigs: z.array(requestedNetworkSchema).optional(),
  }),
  status: ifReadable(
    z.looseObject({
      addresses: ifReadable(z.string()),
      networkConfig: readableList(networkStatusSchema),
      networkConfigs: readableList(networkStatusSchema),
      conditions: readableList(conditionSchema),
    }),
  ),
})

export type VmNetworkConfig = z.infer<typeof vmNetworkConfigSchema>
export type RequestedNetwork = z.infer<typeof requestedNetworkSchema>
export type NetworkStatus = z.infer<typeof networkStatusSchema>
export type NetworkState = 'Allocated' | 'Pending' | 'Stale'

/** `networkConfig` is the documentation's spelling, `networkConfigs` that of later releases of the add-on. */
export type Spelling = 'networkConfig' | 'networkConfigs'

export const VM_NETWORK_CONFIG_FINALIZER = 'wrangler.cattle.io/vm-dhcp-vmnetcfg-controller'
/** Of a VirtualMachineNetworkConfig: the addresses in its spec that the VM's own annotations pin, with commas. */
export const PINNED_BY_VM_ANNOTATION = 'network.harvesterhci.io/pinned-by-vm'
export const VM_NAME_LABEL = 'harvesterhci.io/vmName'

/** An empty list in the one spelling does not hide a filled one in the other. */
export function spellingOf({ spec }: Pick<VmNetworkConfig, 'spec'>): Spelling {
  if (spec.networkConfigs === undefined) return 'networkConfig'
  const isOtherMeant = spec.networkConfigs.length === 0 && (spec.networkConfig ?? []).length > 0
  return isOtherMeant ? 'networkConfig' : 'networkConfigs'
}

/** What the object asks for, whichever spelling it uses. */
export function requestedNetworks(config: Pick<VmNetworkConfig, 'spec'>): readonly RequestedNetwork[] {
  return config.spec[spellingOf(config)] ?? []
}

/** What the status says is held, in both spellings: an object whose spelling was edited must not forget a lease. */
export function networkStatuses(config: Pick<VmNetworkConfig, 'status'>): readonly NetworkStatus[] {
  return [...(config.status?.networkConfig ?? []), ...(config.status?.networkConfigs ?? [])]
}

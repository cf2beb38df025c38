import type { IPPool } from '../api/ippool.ts'
import type { Cidr } from '../api/values/cidr.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import type { VmNetworkConfig } from '../api/vm-network-config.ts'

/** Addresses that the cluster itself uses, and how it is known. */
export interface ServiceRange {
  readonly subnet: Cidr
  /** "ServiceCIDR kubernetes" */
  readonly source: string
}

/**
 * What rules know of the cluster beyond the object before them. Answers are never older than the question: a cache that
 * lags would let the second of two conflicting objects through.
 *
 * Every method rejects with a `StoreError`.
 */
export interface ClusterView {
  /** Every IPPool that can be read, those being deleted too. */
  pools(): Promise<readonly IPPool[]>
  /** Every VirtualMachineNetworkConfig that can be read. */
  configs(): Promise<readonly VmNetworkConfig[]>
  /** Of a NetworkAttachmentDefinition. */
  networkExists(network: ObjectKey): Promise<boolean>
  /** Undefined: nobody can tell. */
  vmExists(vm: ObjectKey): Promise<boolean | undefined>
  serviceRanges(): Promise<readonly ServiceRange[]>
  namespaceTerminating(namespace: string): Promise<boolean>
}

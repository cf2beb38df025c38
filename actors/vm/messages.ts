import type { ObjectKey } from '../../src/api/values/object-key.ts'
import type { Duration } from '../../src/api/values/time.ts'
import type { VirtualMachine, VirtualMachineInstance } from '../../src/api/virtual-machine.ts'
import type { VmNetworkConfig } from '../../src/api/vm-network-config.ts'
import type {
  AllocateReply,
  AllocateRequest,
  NudgeScope,
  ReleaseReply,
  ReleaseRequest,
} from '../pool/contracts.ts'
import type { VmEvent } from './contracts.ts'

/** What the watches know about one VM, as read at one moment. */
export interface Observed {
  vm: VirtualMachine | undefined
  instance: VirtualMachineInstance | undefined
  config: VmNetworkConfig | undefined
  /** Network, as "namespace/name", to the IPPool that serves it: for each network that the VM or its config names. */
  pools: ReadonlyMap<string, ServingPool>
}

/** Another uid is another pool, though it may have the name of an earlier one: nothing is held there yet. */
export interface ServingPool extends ObjectKey {
  readonly uid: string
}

/** MAC and network, as "mac namespace/name": what an address belongs to. */
export type NicKey = string

export type VmMessage =
  | { type: 'observed'; observed: Observed }
  | { type: 'allocate-answered'; nic: NicKey; ask: number; reply: AllocateReply }
  | { type: 'release-answered'; nic: NicKey; ask: number; reply: ReleaseReply }
  | { type: 'request-failed'; nic: NicKey; ask: number; reason: string }
  /** The object as written; undefined when it is gone. */
  | { type: 'written'; config: VmNetworkConfig | undefined }
  /** `retryAfter`: not before, says the API server. */
  | { type: 'write-failed'; reason: string; retryAfter?: Duration | undefined }
  /** A pool changed: whoever has no address asks again, or everybody. */
  | { type: 'nudge'; scope: NudgeScope }
  | { type: 'wake' }

export type VmEffect =
  | { type: 'create-config'; config: VmNetworkConfig }
  /** A merge patch of metadata and spec that holds the resourceVersion. */
  | { type: 'patch-config'; patch: Record<string, unknown> }
  | { type: 'write-status'; patch: Record<string, unknown> }
  /** Delete the object unless its VM turns out to be there. */
  | {
      type: 'collect-config'
      seen: { uid: string; resourceVersion: string }
      vm: { name: string; uid: string }
    }
  | { type: 'allocate'; nic: NicKey; ask: number; pool: ObjectKey; request: AllocateRequest }
  | { type: 'release'; nic: NicKey; ask: number; pool: ObjectKey; request: ReleaseRequest }
  /** Look at the watches again. */
  | { type: 'observe' }
  | { type: 'wake'; after: Duration }
  | { type: 'publish'; event: VmEvent }
  /** A Kubernetes event about the VM, or about its VirtualMachineNetworkConfig. */
  | {
      type: 'record'
      about: 'vm' | 'config'
      severity: 'Normal' | 'Warning'
      reason: string
      message: string
    }
  /** Nothing is left to look after. */
  | { type: 'finish' }

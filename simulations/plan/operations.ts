import * as z from 'zod'

const at = z.int().min(0)
const vm = z.string()
const lasts = z.int().min(1)
/** Of a guest that did not run for a while: as if no time had passed, or put right at once. */
const clock = z.enum(['stood-still', 'put-right'])
/** The guest keeps what it has until it is started again, although the VM says otherwise already. */
const follows = z.literal('restart').optional()
const nic = z.object({
  name: z.string(),
  network: z.string(),
  mac: z.string(),
  /** An address asked for by the VM's annotation. */
  pin: z.string().optional(),
  /** Where the MAC stands; usually in the VM's template. `instance`: KubeVirt chooses it when the VM starts. */
  macIn: z.enum(['annotation', 'instance']).optional(),
  /** The network is named without its namespace. */
  bareName: z.literal(true).optional(),
})
export type NicPlan = z.infer<typeof nic>

/** What people do to a cluster, each at `at` milliseconds. What makes no sense by then (a VM that is gone) does nothing. */
export const operationSchema = z.discriminatedUnion('type', [
  /** The VM object; `running`: with its instance, in which a DHCP client starts for each NIC. */
  z.object({ type: z.literal('vm-create'), at, vm, nics: z.array(nic).min(1), running: z.boolean() }),
  z.object({ type: z.literal('vm-start'), at, vm }),
  /** The instance goes, and its clients with it; disks keep what clients wrote there. */
  z.object({ type: z.literal('vm-stop'), at, vm }),
  /** The VM object is deleted; its instance ends a little later. */
  z.object({ type: z.literal('vm-delete'), at, vm }),
  /** The guest boots again: clients come back with what their disk remembers. */
  z.object({ type: z.literal('guest-reboot'), at, vm }),
  /** To another node: the clients run on, and hear nothing while the machine is moved. */
  z.object({ type: z.literal('vm-migrate'), at, vm }),
  /** Nothing of the guest runs for a while, and nothing reaches it. */
  z.object({ type: z.literal('guest-pause'), at, vm, lasts, clock }),
  /** Disk and memory, as they are now; the one before is gone. */
  z.object({ type: z.literal('guest-snapshot'), at, vm }),
  /** Back to the snapshot. `disk`: the guest boots from it. `memory`: it goes on as if nothing had happened since. */
  z.object({ type: z.literal('guest-restore'), at, vm, what: z.enum(['disk', 'memory']), clock }),
  /**
   * Nobody can reach the node of the VM: its guest runs on there until `lasts` is over, and its instance is there as long.
   * `isCutOff`: nor does the guest reach its networks.
   */
  z.object({ type: z.literal('node-lost'), at, vm, lasts, isCutOff: z.boolean() }),
  /**
   * Somebody gives up what is left of a VM on a lost node. `instance`: KubeVirt takes the guest for dead and starts
   * another elsewhere. `machine`: the VM that is being deleted is gone at once; its instance stays as long as the node.
   */
  z.object({ type: z.literal('force-delete'), at, vm, what: z.enum(['instance', 'machine']) }),
  z.object({ type: z.literal('nic-add'), at, vm, nic }),
  z.object({ type: z.literal('nic-remove'), at, vm, nic: z.string() }),
  z.object({ type: z.literal('nic-move'), at, vm, nic: z.string(), network: z.string(), follows }),
  z.object({ type: z.literal('mac-change'), at, vm, nic: z.string(), mac: z.string(), follows }),
  /** `pin` undefined takes the pin away. */
  z.object({ type: z.literal('pin'), at, vm, nic: z.string(), pin: z.string().optional() }),
  z.object({ type: z.literal('config-pause'), at, vm, paused: z.boolean() }),
  /** Somebody deletes the VirtualMachineNetworkConfig by hand. */
  z.object({ type: z.literal('config-delete'), at, vm }),
  /** A merge patch of `spec`. */
  z.object({ type: z.literal('pool-edit'), at, pool: z.string(), spec: z.record(z.string(), z.unknown()) }),
  /** `rival`: the second one of the network. */
  z.object({ type: z.literal('pool-delete'), at, pool: z.string(), rival: z.literal(true).optional() }),
  /** As the plan's network says; nothing while it exists. `rival`: a second one like it, beside it. */
  z.object({ type: z.literal('pool-create'), at, pool: z.string(), rival: z.literal(true).optional() }),
  /** Somebody edits `status` by hand: a merge patch. */
  z.object({
    type: z.literal('status-edit'),
    at,
    pool: z.string(),
    status: z.record(z.string(), z.unknown()),
  }),
])
export type Operation = z.infer<typeof operationSchema>

import * as z from 'zod'

const at = z.int().min(0)
const vm = z.string()
const nic = z.object({
  name: z.string(),
  network: z.string(),
  mac: z.string(),
  /** An address asked for by the VM's annotation. */
  pin: z.string().optional(),
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
  z.object({ type: z.literal('nic-add'), at, vm, nic }),
  z.object({ type: z.literal('nic-remove'), at, vm, nic: z.string() }),
  z.object({ type: z.literal('nic-move'), at, vm, nic: z.string(), network: z.string() }),
  z.object({ type: z.literal('mac-change'), at, vm, nic: z.string(), mac: z.string() }),
  /** `pin` undefined takes the pin away. */
  z.object({ type: z.literal('pin'), at, vm, nic: z.string(), pin: z.string().optional() }),
  z.object({ type: z.literal('config-pause'), at, vm, paused: z.boolean() }),
  /** Somebody deletes the VirtualMachineNetworkConfig by hand. */
  z.object({ type: z.literal('config-delete'), at, vm }),
  /** A merge patch of `spec`. */
  z.object({ type: z.literal('pool-edit'), at, pool: z.string(), spec: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('pool-delete'), at, pool: z.string() }),
  /** As the plan's network says; nothing while it exists. */
  z.object({ type: z.literal('pool-create'), at, pool: z.string() }),
  /** Somebody edits `status` by hand: a merge patch. */
  z.object({
    type: z.literal('status-edit'),
    at,
    pool: z.string(),
    status: z.record(z.string(), z.unknown()),
  }),
])
export type Operation = z.infer<typeof operationSchema>

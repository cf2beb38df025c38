import type { KubeObject } from '../../src/api/object.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { virtualMachineInstanceSchema, virtualMachineSchema } from '../../src/api/virtual-machine.ts'
import { vmInterfaces } from '../../src/api/vm-interfaces.ts'
import { requestedNetworks, vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import type { CommittedChange } from '../world/api-server.ts'
import type { Invariant, Witness } from './invariant.ts'
import type { PoolHistory } from './pool-history.ts'

/**
 * Law 5, one step before the pools: after quiet each NIC of a VM on a network with a pool asks for an address, and
 * nothing asks that no VM has. Without it a VM that nobody noticed would be a VM that wants nothing.
 */
export function nicsAndWishes(witness: Witness, history: PoolHistory): Invariant {
  const machines = new Map<string, KubeObject>()
  const instances = new Map<string, KubeObject>()
  const configs = new Map<string, KubeObject>()

  return {
    committed({ plural, previous, next }: CommittedChange) {
      const kept = {
        virtualmachines: machines,
        virtualmachineinstances: instances,
        virtualmachinenetworkconfigs: configs,
      }[plural]
      const subject = next ?? previous
      if (kept === undefined || subject === undefined) return
      const name = `${subject.metadata.namespace}/${subject.metadata.name}`
      if (next === undefined) kept.delete(name)
      else kept.set(name, next)
    },

    quiet() {
      for (const name of new Set([...machines.keys(), ...configs.keys()])) {
        const machine = machines.get(name)
        if (machine?.metadata.deletionTimestamp !== undefined) continue
        const { has, waiting } = nicsOf(machine, instances.get(name))
        const asked = askedFor(configs.get(name))
        for (const nic of has) {
          const [network = ''] = nic.split(' ')
          if (asked.has(nic) || history.on(network).length !== 1) continue
          witness.violated('every NIC asks', `the VM ${name} has a NIC ${nic}, for which nothing asks`, [
            name,
          ])
        }
        for (const nic of asked) {
          // A NIC without a MAC until its VM starts again asks for the one that it had.
          if (has.has(nic) || waiting.has(nic.split(' ')[0] ?? '')) continue
          const message = `the VirtualMachineNetworkConfig ${name} asks for ${nic}, which no VM has`
          witness.violated('no leaks', message, [name])
        }
      }
    },
  }
}

/** `default/net-1 02:00:00:00:00:01`, and the networks of NICs whose MAC nobody knows now. */
function nicsOf(object: KubeObject | undefined, running: KubeObject | undefined) {
  const machine = virtualMachineSchema.safeParse(object).data
  if (machine === undefined) return { has: new Set<string>(), waiting: new Set<string>() }
  const instance = virtualMachineInstanceSchema.safeParse(running).data
  const { interfaces, waiting } = vmInterfaces(machine, instance)
  return {
    has: new Set(interfaces.map(({ network, mac }) => `${formatObjectKey(network)} ${mac}`)),
    waiting: new Set(waiting.map(formatObjectKey)),
  }
}

function askedFor(object: KubeObject | undefined): Set<string> {
  const config = vmNetworkConfigSchema.safeParse(object).data
  if (config === undefined) return new Set()
  return new Set(
    requestedNetworks(config).map(({ networkName, macAddress }) => {
      const network = parseObjectKey(networkName, config.metadata.namespace)
      return `${formatObjectKey(network)} ${macAddress.toLowerCase()}`
    }),
  )
}

import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { requestedNetworks, type VmNetworkConfig } from '../../src/api/vm-network-config.ts'
import type { Invariant, Witness } from './invariant.ts'
import type { PoolHistory } from './pool-history.ts'
import { nicOf } from './told.ts'
import { nicsOf, type Wishes } from './wishes.ts'

/**
 * Law 5, one step before the pools: after quiet each NIC of a VM on a network with a pool asks for an address, for the one
 * that the VM pins, and nothing asks that no VM has. Without it a VM that nobody noticed would be a VM that wants nothing.
 */
export function nicsAndWishes(witness: Witness, history: PoolHistory, wishes: Wishes): Invariant {
  return {
    quiet() {
      const machines = wishes.machines()
      const configs = wishes.configs()
      for (const name of new Set([...machines.keys(), ...configs.keys()])) {
        const machine = machines.get(name)
        if (machine?.metadata.deletionTimestamp !== undefined) continue
        const { has, waiting } = nicsOf(machine, wishes.instances().get(name))
        const asked = askedFor(configs.get(name))
        for (const [nic, { pin }] of has) {
          const [network = ''] = nic.split(' ')
          if (history.on(network).length !== 1) continue
          if (!asked.has(nic)) {
            const message = `the VM ${name} has a NIC ${nic}, for which nothing asks`
            witness.violated('every NIC asks', message, [name])
          } else if (pin !== 'malformed' && asked.get(nic) !== pin) {
            const message = `the VM ${name} pins ${pin === undefined ? 'nothing' : formatIPv4Address(pin)} for ${nic}, its VirtualMachineNetworkConfig another`
            witness.violated('pins are followed', message, [name])
          }
        }
        for (const nic of asked.keys()) {
          // A NIC without a MAC until its VM starts again asks for the one that it had.
          if (has.has(nic) || waiting.has(nic.split(' ')[0] ?? '')) continue
          const message = `the VirtualMachineNetworkConfig ${name} asks for ${nic}, which no VM has`
          witness.violated('no leaks', message, [name])
        }
      }
    },
  }
}

/** NIC to the address that is asked for it, if it is a certain one. */
function askedFor(config: VmNetworkConfig | undefined): Map<string, number | undefined> {
  if (config === undefined) return new Map()
  return new Map(
    requestedNetworks(config).map((entry) => [
      nicOf(entry, config),
      entry.ipAddress ? parseIPv4Address(entry.ipAddress) : undefined,
    ]),
  )
}

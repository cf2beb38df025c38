import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress } from '../../src/dhcp/packet.ts'
import type { Invariant, Witness } from './invariant.ts'
import type { PoolHistory } from './pool-history.ts'

/** Law 2: nobody is told of a lease that no IPPool's status ever held. */
export function commitBeforeReply(witness: Witness, history: PoolHistory): Invariant {
  const wasCommitted = (network: string, address: string, mac: string) =>
    history.of(network, address).some((tenure) => tenure.mac === mac)

  return {
    replied({ agent, network, packet }) {
      const type = getOption(packet.options, 'messageType')
      const mac = clientMacAddress(packet)
      if ((type !== 'OFFER' && type !== 'ACK') || mac === undefined || packet.yiaddr === 0) return
      const address = formatIPv4Address(packet.yiaddr)
      if (wasCommitted(`default/${network}`, address, mac)) return
      const message = `${agent} told ${mac} that it has ${address} (${type}), which no status of an IPPool ever held`
      witness.violated('commit before reply', message, [address, mac])
    },

    committed({ plural, next, by }) {
      if (plural !== 'virtualmachinenetworkconfigs' || next === undefined || by === 'operator') return
      const config = vmNetworkConfigSchema.safeParse(next).data
      if (config === undefined) return
      for (const { allocatedIPAddress: address, macAddress: mac, networkName, state } of networkStatuses(
        config,
      )) {
        if (state !== 'Allocated' || address === undefined || address === '') continue
        const network = formatObjectKey(parseObjectKey(networkName, config.metadata.namespace))
        if (wasCommitted(network, address, mac)) continue
        const name = `${config.metadata.namespace}/${config.metadata.name}`
        const message = `${by} wrote into ${name} that ${mac} has ${address}, which no status of an IPPool ever held`
        witness.violated('commit before reply', message, [address, mac, name])
      }
    },
  }
}

import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress } from '../../src/dhcp/packet.ts'
import type { Hearsay } from './hearsay.ts'
import type { Invariant, Witness } from './invariant.ts'
import { type PoolHistory, time } from './pool-history.ts'

/** Law 3: who has heard from the API that a lease is gone does not acknowledge it any more. */
export function revokedIsNotServed(witness: Witness, history: PoolHistory, hearsay: Hearsay): Invariant {
  return {
    replied({ agent, network, packet }) {
      // The pool of a network is named as the network.
      const known = hearsay.settled(agent, `default/${network}`)
      const mac = clientMacAddress(packet)
      const type = getOption(packet.options, 'messageType')
      if (known === undefined || mac === undefined || type !== 'ACK' || packet.yiaddr === 0) return
      const address = formatIPv4Address(packet.yiaddr)
      if (known.leases.get(address) === mac) return
      // It may have learned of a later revision by a message.
      const isNewer = history
        .of(`default/${network}`, address)
        .some(
          (tenure) => tenure.mac === mac && tenure.uid === known.uid && tenure.from.revision > known.revision,
        )
      if (isNewer) return
      const message = `${agent} acknowledged ${address} to ${mac}, although it heard at ${time(known.at)} that revision ${known.revision} has no such lease`
      witness.violated('revoked is not served', message, [address, mac, agent])
    },
  }
}

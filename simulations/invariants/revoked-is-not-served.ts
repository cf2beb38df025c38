import { ipPoolSchema } from '../../src/api/ippool.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress } from '../../src/dhcp/packet.ts'
import type { Invariant, Witness } from './invariant.ts'
import { leasesOf, type PoolHistory, time } from './pool-history.ts'

interface Heard {
  readonly uid: string
  /** Counts up, whatever people write into the status by hand. */
  readonly version: number
  readonly revision: number
  readonly leases: ReadonlyMap<string, string>
  readonly at: number
}

/** From hearing to knowing it takes a turn or two of the actor. */
const REACTION = 100

/** Law 3: who has heard from the API that a lease is gone does not acknowledge it any more. */
export function revokedIsNotServed(witness: Witness, history: PoolHistory): Invariant {
  const heard = new Map<string, Heard>()

  return {
    heardOfPool(process, object) {
      const pool = ipPoolSchema.safeParse(object).data
      if (pool === undefined || !process.startsWith('agent-')) return
      const { uid = '' } = pool.metadata
      const revision = pool.status?.ipv4?.revision ?? 0
      const version = Number(pool.metadata.resourceVersion)
      const before = heard.get(process)
      if (before !== undefined && before.uid === uid && before.version >= version) return
      heard.set(process, { uid, version, revision, leases: leasesOf(pool), at: witness.now() })
    },

    replied({ agent, network, packet }) {
      const known = heard.get(agent)
      const mac = clientMacAddress(packet)
      const type = getOption(packet.options, 'messageType')
      if (known === undefined || mac === undefined || type !== 'ACK' || packet.yiaddr === 0) return
      if (witness.now() - known.at < REACTION) return
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

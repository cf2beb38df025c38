import type { KubeObject } from '../../src/api/object.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress } from '../../src/dhcp/packet.ts'
import type { Hearsay } from './hearsay.ts'
import type { Invariant, Witness } from './invariant.ts'
import { describeTenure, nameOf, networkOf, type PoolHistory, type Tenure } from './pool-history.ts'
import { readTold, type ToldLease } from './told-leases.ts'

/** A write of what was told may be on its way for so long. */
const LATE_WRITE = 45_000
/** So may the answer to a write. */
const LATE_ANSWER = 5_000

/**
 * Law 2: nobody is told of a lease that no IPPool's status holds. A status that held it once is not enough: who is given
 * the address that it had before is told of it when that is written anew. What ended since the speaker last heard of the
 * pool it may still believe.
 * @param hasLeader at most one controller writes, but for a moment. Without leader election several of them overwrite one
 *   object in turn with what each heard last; what its status says in between is told to no client and is put right
 */
export function commitBeforeReply(
  witness: Witness,
  history: PoolHistory,
  hearsay: Hearsay,
  hasLeader = true,
): Invariant {
  /** Of one address, or of one address and MAC. */
  const tenuresOf = (network: string, address: string, mac?: string) =>
    history.of(network, address).filter((tenure) => mac === undefined || tenure.mac === mac)
  const mayTell = (speaker: string, tenures: readonly Tenure[]) =>
    tenures.some((tenure) => !hearsay.knowsEnd(speaker, tenure) || isUnanswered(speaker, tenure))
  /** Its own write, done, and the answer on its way: until it is there the actor holds to what it read before. */
  const isUnanswered = (speaker: string, { to }: Tenure) =>
    to?.by === speaker && to.at > witness.now() - LATE_ANSWER

  function judge(speaker: string, whom: string, network: string, { address, mac }: ToldLease): void {
    const tenures = tenuresOf(network, address, mac)
    if (mayTell(speaker, tenures)) return
    const who = mac ?? 'whoever asks'
    const message = `${speaker} told ${whom} that ${who} has ${address}, which ${storyOf(tenures)}`
    witness.violated('commit before reply', message, [address, ...(mac === undefined ? [] : [mac])])
  }

  return {
    replied({ agent, network, packet }) {
      const type = getOption(packet.options, 'messageType')
      const mac = clientMacAddress(packet)
      if ((type !== 'OFFER' && type !== 'ACK') || mac === undefined || packet.yiaddr === 0) return
      const address = formatIPv4Address(packet.yiaddr)
      judge(agent, `a client (${type})`, `default/${network}`, { address, mac })
    },

    messaged(message) {
      const told = readTold(message)
      if (told === undefined) return
      const pool = [...history.pools()].find((candidate) => nameOf(candidate) === told.pool)
      if (pool === undefined) return
      for (const lease of told.leases) judge(message.from, message.to, networkOf(pool), lease)
    },

    committed({ plural, previous, next, by }) {
      if (plural !== 'virtualmachinenetworkconfigs' || next === undefined) return
      if (by === 'operator' || !hasLeader) return
      const before = new Set(previous === undefined ? [] : allocations(previous).map(({ key }) => key))
      for (const { network, mac, address, key } of allocations(next)) {
        const tenures = tenuresOf(network, address, mac)
        const isRecent = tenures.some(({ to }) => to !== undefined && to.at > witness.now() - LATE_WRITE)
        // What stood there before is told once more by whoever changes something else.
        if (before.has(key) ? tenures.length > 0 : isRecent || mayTell(by, tenures)) continue
        const name = `${next.metadata.namespace}/${next.metadata.name}`
        const message = `${by} wrote into ${name} that ${mac} has ${address}, which ${storyOf(tenures)}`
        witness.violated('commit before reply', message, [address, mac, name])
      }
    },
  }
}

function storyOf(tenures: readonly Tenure[]): string {
  const last = tenures.at(-1)
  if (last === undefined) return 'no status of an IPPool ever held'
  return `no status of an IPPool holds any more, as it had heard:\n  ${describeTenure(last)}`
}

/** What an object says that it was given. */
function allocations(object: KubeObject) {
  const config = vmNetworkConfigSchema.safeParse(object).data
  if (config === undefined) return []
  return networkStatuses(config).flatMap(
    ({ allocatedIPAddress: address, macAddress: mac, networkName, state }) => {
      if (state !== 'Allocated' || !address) return []
      const network = formatObjectKey(parseObjectKey(networkName, config.metadata.namespace))
      return [{ network, mac, address, key: `${network} ${mac} ${address}` }]
    },
  )
}

import { parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress } from '../../src/dhcp/packet.ts'
import type { RunningClient } from '../world/guests.ts'
import type { Hearsay } from './hearsay.ts'
import type { Invariant, SentReply, Witness } from './invariant.ts'
import { describeTenure, nameOf, type PoolHistory, type Tenure, time } from './pool-history.ts'
import { Questions } from './questions.ts'
import { type AgentUptime, isUp, serves } from './serving.ts'

export interface ServedParts {
  readonly witness: Witness
  readonly history: PoolHistory
  readonly hearsay: Hearsay
  readonly agents: readonly AgentUptime[]
  /** Since when the packets of a client pass undisturbed; undefined: they do not now. */
  hadPackets(client: RunningClient): number | undefined
}

/** An agent that can answer does so at once: whoever asks again after so long was not answered. */
const PATIENCE = 5_000
/** A VM is moved within this time. */
const MOVE = 2_000
/** What people do by hand, and how pools are edited, may take so long to come to its end. */
const AFTERMATH = 120_000
/** The address of one whose lease may still run is given to nobody else: the longest lease, and as long again. */
const OTHERS_LEASE = 240_000

interface Waiting {
  readonly since: number
  readonly agent: AgentUptime
}

/** Law 6, by the answers: an agent that knows a lease neither refuses it nor keeps silent to who has it. */
export function whoHasItIsServed(parts: ServedParts): Invariant {
  const { witness, history, hearsay, agents, hadPackets } = parts
  const questions = new Questions()
  const waiting = new Map<string, Waiting>()

  return {
    client(client, event) {
      questions.note(client, event, witness.now())
      if (event.type === 'bound' || event.type === 'renewed') waiting.delete(client.name)
      else if (event.type === 'received' && event.messageType === 'NAK') waiting.delete(client.name)
      else if (event.type === 'sent' && event.messageType === 'DISCOVER') onDiscover(client)
    },
    replied: onReply,
  }

  function onReply({ agent: name, network, packet }: SentReply): void {
    const mac = clientMacAddress(packet)
    if (mac === undefined || getOption(packet.options, 'messageType') !== 'NAK') return
    const question = questions.find(network, mac, packet.xid)
    const tenure = soleTenure(network, mac)
    const agent = agents.find((candidate) => candidate.name === name)
    if (question === undefined || tenure === undefined || agent === undefined) return
    if (question.address !== tenure.address || !isUndisturbed(question.client, question.at)) return
    if (!serves(agent, tenure, hearsay) || isUnsettled(tenure)) return
    const lines = [
      `${name} refused ${tenure.address} to ${question.client.name} (${mac}), which has it, as ${name} knows:`,
      `  ${describeTenure(tenure)}`,
    ]
    witness.violated('who has it is not refused', lines.join('\n'), [mac, tenure.address, name])
  }

  function onDiscover(client: RunningClient): void {
    const now = witness.now()
    const tenure = soleTenure(client.network, client.mac)
    const before = waiting.get(client.name)
    const isFine = tenure !== undefined && !isUnsettled(tenure) && !isLeftToAnother(tenure)
    const agent =
      isFine && isUndisturbed(client, now - MOVE)
        ? agents.find((candidate) => couldAnswer(candidate, tenure, now))
        : undefined
    if (tenure === undefined || agent === undefined) {
      waiting.delete(client.name)
      return
    }
    const isSame =
      before?.agent === agent &&
      tenure.from.at <= before.since &&
      isUp(agent.upSince(), before.since) &&
      isUndisturbed(client, before.since - MOVE)
    if (!isSame) {
      waiting.set(client.name, { since: now, agent })
      return
    }
    if (now - before.since < PATIENCE) return
    const lines = [
      `${client.name} (${client.mac}) asks since ${time(before.since)} and has no lease, although ${agent.name} knows that it has ${tenure.address}:`,
      `  ${describeTenure(tenure)}`,
    ]
    witness.violated('who has it is answered', lines.join('\n'), [client.mac, tenure.address, agent.name])
  }

  function couldAnswer(agent: AgentUptime, tenure: Tenure, now: number): boolean {
    return (
      `default/${agent.network}` === tenure.network &&
      isUp(agent.upSince(), now) &&
      serves(agent, tenure, hearsay)
    )
  }

  /** Whose MAC was given two addresses by hand has one of them for its clients. */
  function soleTenure(network: string, mac: string): Tenure | undefined {
    const [tenure, ...others] = history.heldBy(`default/${network}`, mac)
    return others.length === 0 ? tenure : undefined
  }

  function isUndisturbed(client: RunningClient, at: number): boolean {
    const since = hadPackets(client)
    return since !== undefined && since <= at
  }

  /** The pool does not serve now, or what it serves is not agreed on. */
  function isUnsettled({ uid, network }: Tenure): boolean {
    const pools = history.on(network)
    const [pool] = pools
    if (pool === undefined || pools.length > 1 || pool.metadata.uid !== uid) return true
    if (pool.spec.paused || !parsePoolConfiguration(pool).ok) return true
    const isRecent = (at: number | undefined, within: number) =>
      at !== undefined && witness.now() - at < within
    const { spec, status } = history.editedAt(nameOf(pool))
    return isRecent(spec, PATIENCE * 2) || isRecent(status, AFTERMATH)
  }

  /** An agent that was out of touch lets the lease of the one before run out first (law 1). */
  function isLeftToAnother({ network, address, mac }: Tenure): boolean {
    return history
      .of(network, address)
      .some(({ mac: other, to }) => other !== mac && (to?.at ?? witness.now()) > witness.now() - OTHERS_LEASE)
  }
}

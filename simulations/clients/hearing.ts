import {
  formatIPv4Address,
  type IPv4Address,
  UNSPECIFIED_ADDRESS,
} from '../../src/api/values/ipv4-address.ts'
import { type Instant, later } from '../../src/api/values/time.ts'
import { getOption } from '../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../src/dhcp/packet.ts'
import { newExchange, send } from './asking.ts'
import { readTerms, type Terms } from './check-reply.ts'
import { startOver, stopUsing } from './leaving.ts'
import type { ClientDecision, ClientEffect, Drawn } from './messages.ts'
import type { AskingPhase, ClientState, HeldLease, Phase } from './state.ts'
import { leaseTimes, pauseAfterNak } from './timing.ts'

/** What a client does with a reply that carries its own MAC address. */
export function hear(state: ClientState, packet: DhcpPacket, drawn: Drawn, now: Instant): ClientDecision {
  const answer = heeded(state, packet, drawn, now)
  const { xid, yiaddr } = packet
  const received: ClientEffect = {
    type: 'tell',
    event: {
      type: 'received',
      messageType: getOption(packet.options, 'messageType'),
      xid,
      ...(yiaddr !== UNSPECIFIED_ADDRESS && { address: yiaddr }),
      heeded: answer !== undefined,
    },
  }
  if (answer === undefined) return { state, effects: [received] }
  return { state: answer.state, effects: [received, ...answer.effects] }
}

/** @returns undefined for what is not waited for: an answer to an older question, a copy, a second server's offer */
function heeded(
  state: ClientState,
  packet: DhcpPacket,
  drawn: Drawn,
  now: Instant,
): ClientDecision | undefined {
  const { phase } = state
  if (!('exchange' in phase)) return undefined
  const sent = phase.exchange.sent.find(({ xid }) => xid === packet.xid)
  if (sent === undefined) return undefined
  const type = getOption(packet.options, 'messageType')
  if (phase.name === 'SELECTING') {
    return type === 'OFFER' ? onOffer(state, phase.exchange.startedAt, packet, drawn, now) : undefined
  }
  if (type === 'ACK') return onAck(state, phase, packet, sent.at, now)
  if (type === 'NAK') return onNak(state, phase, packet, now)
  return undefined
}

/** RFC 2131 §4.4.1: the first offer is taken, in the same transaction. */
function onOffer(
  state: ClientState,
  startedAt: Instant,
  packet: DhcpPacket,
  drawn: Drawn,
  now: Instant,
): ClientDecision {
  const terms = readTerms(packet, {})
  if (typeof terms === 'string') return complain(state, 'OFFER', terms)
  const { address, server } = terms
  const giveUpAt = later(now, state.habits.requestFor)
  const phase: Phase = {
    name: 'REQUESTING',
    exchange: newExchange(startedAt),
    giveUpAt,
    address,
    server,
  }
  return send(state, phase, packet.xid, drawn, now)
}

function onAck(
  state: ClientState,
  phase: Exclude<AskingPhase, { name: 'SELECTING' }>,
  packet: DhcpPacket,
  since: Instant,
  now: Instant,
): ClientDecision | undefined {
  const asked = 'lease' in phase ? phase.lease.address : phase.address
  const terms = readTerms(packet, { address: asked, server: serverAsked(phase) })
  if (typeof terms === 'string') return complain(state, 'ACK', terms)
  const lease = leaseOn(state, terms, since, now)
  // It was so long on its way that it promises nothing any more.
  if (lease.expiresAt <= now) return undefined
  const { address, server, leaseSeconds, expiresAt, renewAt } = lease
  const effects: ClientEffect[] = [{ type: 'use', address }]
  if (state.habits.rebootFor !== undefined) effects.push({ type: 'remember', lease: { address, expiresAt } })
  const type = 'lease' in phase ? 'renewed' : 'bound'
  effects.push({ type: 'tell', event: { type, address, server, leaseSeconds, since, until: expiresAt } })
  return { state: { ...state, phase: { name: 'BOUND', lease, renewAt }, naks: 0 }, effects }
}

function onNak(
  state: ClientState,
  phase: Exclude<AskingPhase, { name: 'SELECTING' }>,
  packet: DhcpPacket,
  now: Instant,
): ClientDecision | undefined {
  const server = getOption(packet.options, 'serverIdentifier')
  if (server === undefined) return complain(state, 'NAK', 'no server identifier')
  const asked = serverAsked(phase)
  // Not complained of: whoever believes to be alone on the wire may refuse what another one gave.
  if (asked !== undefined && server !== asked) return undefined
  const naks = state.naks + 1
  const effects: ClientEffect[] = [
    ...complaintsOfNak(packet),
    ...stopUsing(state, 'nak'),
    { type: 'remember', lease: undefined },
  ]
  return startOver({ ...state, naks }, later(now, pauseAfterNak(state.habits, naks)), undefined, effects)
}

/** The one server that is asked; undefined when it is whoever hears it. */
function serverAsked(phase: Exclude<AskingPhase, { name: 'SELECTING' }>): IPv4Address | undefined {
  if (phase.name === 'REQUESTING') return phase.server
  return phase.name === 'RENEWING' ? phase.lease.server : undefined
}

function leaseOn(state: ClientState, terms: Terms, since: Instant, now: Instant): HeldLease {
  const { address, server, leaseSeconds, timers } = terms
  const times = leaseTimes(state.habits, since, leaseSeconds, timers)
  return { address, server, leaseSeconds, since, acknowledgedAt: now, ...times }
}

/** RFC 2131 §4.3.1, table 3: a NAK has neither ciaddr nor yiaddr. It is obeyed all the same. */
function complaintsOfNak({ yiaddr, ciaddr }: DhcpPacket): ClientEffect[] {
  const address = yiaddr !== UNSPECIFIED_ADDRESS ? yiaddr : ciaddr
  if (address === UNSPECIFIED_ADDRESS) return []
  return [complaint('NAK', `it carries the address ${formatIPv4Address(address)}`)]
}

function complain(state: ClientState, messageType: string, text: string): ClientDecision {
  return { state, effects: [complaint(messageType, text)] }
}

function complaint(messageType: string, text: string): ClientEffect {
  return { type: 'tell', event: { type: 'complaint', text: `${messageType}: ${text}` } }
}

import {
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  UNSPECIFIED_ADDRESS,
} from '../../src/api/values/ipv4-address.ts'
import { type Instant, later } from '../../src/api/values/time.ts'
import type { ClientEvent } from './events.ts'
import type { ClientDecision, ClientEffect, Drawn } from './messages.ts'
import { ask, type Question } from './requests.ts'
import type { AskingPhase, ClientState, Exchange, HeldLease } from './state.ts'
import { answerTime, renewalAnswerTime } from './timing.ts'

/** An answer may come after the question was asked again so often. */
const REMEMBERED_TRANSACTIONS = 8

/** An exchange in which nothing was sent yet. */
export function newExchange(startedAt: Instant): Exchange {
  return { startedAt, sent: [], attempts: 0, nextAt: startedAt }
}

/** Asks what the phase is there to ask, for the first time or again. */
export function send(
  state: ClientState,
  phase: AskingPhase,
  xid: number,
  drawn: Drawn,
  now: Instant,
): ClientDecision {
  const { exchange } = phase
  const attempts = exchange.attempts + 1
  const isKnown = exchange.sent.some((sent) => sent.xid === xid)
  const sent = isKnown ? exchange.sent : [...exchange.sent, { xid, at: now }].slice(-REMEMBERED_TRANSACTIONS)
  const asked: AskingPhase = {
    ...phase,
    exchange: { ...exchange, sent, attempts, nextAt: nextAttempt(state, phase, attempts, drawn, now) },
  }
  return { state: { ...state, phase: asked }, effects: question(state, phase, xid, now) }
}

/** The same question, in the same transaction. */
export function sendAgain(
  state: ClientState,
  phase: AskingPhase,
  drawn: Drawn,
  now: Instant,
): ClientDecision {
  return send(state, phase, phase.exchange.sent.at(-1)?.xid ?? drawn.xid, drawn, now)
}

/** RFC 2131 §4.4.6: the server may give the address to others. Nobody answers. */
export function releaseLease(
  state: ClientState,
  lease: HeldLease,
  drawn: Drawn,
  now: Instant,
): ClientEffect[] {
  const { address, server } = lease
  return emit(state, address, server, {
    messageType: 'RELEASE',
    xid: drawn.xid,
    startedAt: now,
    now,
    ciaddr: address,
    serverIdentifier: server,
  })
}

function nextAttempt(
  { habits }: ClientState,
  phase: AskingPhase,
  attempts: number,
  { fraction }: Drawn,
  now: Instant,
): Instant {
  if (phase.name === 'RENEWING' || phase.name === 'REBINDING') {
    const end = phase.name === 'RENEWING' ? phase.lease.rebindAt : phase.lease.expiresAt
    return later(now, renewalAnswerTime(habits, attempts, fraction, now, end))
  }
  return later(now, answerTime(habits, attempts, fraction))
}

/** RFC 2131 §4.3.6, table 4: which fields tell the server in which state the client is. */
function question(state: ClientState, phase: AskingPhase, xid: number, now: Instant): ClientEffect[] {
  const { startedAt } = phase.exchange
  const about = { xid, startedAt, now }
  const nobody = UNSPECIFIED_ADDRESS
  const all = LIMITED_BROADCAST_ADDRESS
  switch (phase.name) {
    case 'SELECTING':
      return emit(state, nobody, all, { ...about, messageType: 'DISCOVER', requestedAddress: phase.wish })
    case 'REQUESTING':
      return emit(state, nobody, all, {
        ...about,
        messageType: 'REQUEST',
        requestedAddress: phase.address,
        serverIdentifier: phase.server,
      })
    case 'REBOOTING':
      return emit(state, nobody, all, { ...about, messageType: 'REQUEST', requestedAddress: phase.address })
    case 'RENEWING':
    case 'REBINDING': {
      const { address, server } = phase.lease
      const to = phase.name === 'RENEWING' ? server : all
      return emit(state, address, to, { ...about, messageType: 'REQUEST', ciaddr: address })
    }
  }
}

function emit(state: ClientState, from: IPv4Address, to: IPv4Address, asked: Question): ClientEffect[] {
  const { messageType, xid } = asked
  const address = asked.ciaddr ?? asked.requestedAddress
  const event: ClientEvent = {
    type: 'sent',
    messageType,
    xid,
    to,
    ...(address !== undefined && { address }),
  }
  return [
    { type: 'tell', event },
    { type: 'send', packet: ask(state.mac, state.habits, asked), from, to },
  ]
}

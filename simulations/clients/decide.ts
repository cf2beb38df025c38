import type { MacAddress } from '../../src/api/values/mac-address.ts'
import { between, type Instant, later, milliseconds, seconds } from '../../src/api/values/time.ts'
import { newExchange, releaseLease, send, sendAgain } from './asking.ts'
import type { ClientHabits } from './habits.ts'
import { hear } from './hearing.ts'
import { startOver, stopUsing } from './leaving.ts'
import type { ClientDecision, ClientMessage, Drawn } from './messages.ts'
import { type ClientState, type HeldLease, leaseOf, type Phase, type RememberedLease } from './state.ts'

/** Of udhcpc: dhcpc.c, case RENEWING and case REBINDING. */
const UDHCPC_LAST_MOMENTS = seconds(30)
const UDHCPC_BROADCASTS = 3

/** A client at its start, with what its disk remembers: INIT, or INIT-REBOOT. */
export function initialClientState(
  who: { readonly mac: MacAddress; readonly habits: ClientHabits },
  remembered: RememberedLease | undefined,
  now: Instant,
  drawn: Drawn,
): ClientState {
  const { mac, habits } = who
  const startAt = later(now, milliseconds(Math.floor(habits.startsWithin * drawn.fraction)))
  const phase: Phase =
    habits.rebootFor !== undefined && remembered !== undefined && remembered.expiresAt > now
      ? { name: 'INIT-REBOOT', startAt, remembered }
      : { name: 'INIT', startAt, wish: undefined }
  return { mac, habits, phase, naks: 0 }
}

/** What a DHCP client does with a message: RFC 2131 §4.4, figure 5. */
export function decide(state: ClientState, message: ClientMessage, now: Instant): ClientDecision {
  const lease = leaseOf(state)
  if (lease !== undefined && lease.expiresAt <= now) {
    // Before anything else: a lease that is over is neither used nor renewed, whatever came just now.
    const expired = expire(state, lease, now)
    const { state: next, effects } = decide(expired.state, message, now)
    return { state: next, effects: [...expired.effects, ...effects] }
  }
  switch (message.type) {
    case 'tick':
      return onTick(state, message.drawn, now)
    case 'reply':
      return hear(state, message.packet, message.drawn, now)
    case 'release':
      return onRelease(state, message.drawn, now)
    case 'restart':
      if (state.phase.name !== 'RELEASED') return nothing(state)
      return nothing(initialClientState(state, undefined, now, message.drawn))
    case 'stop':
      return {
        state: { ...state, phase: { name: 'STOPPED' } },
        effects: stopUsing(state, 'stopped'),
      }
  }
}

function onTick(state: ClientState, drawn: Drawn, now: Instant): ClientDecision {
  const { phase, habits } = state
  switch (phase.name) {
    case 'INIT': {
      if (phase.startAt > now) return nothing(state)
      const { wish } = phase
      return send(state, { name: 'SELECTING', exchange: newExchange(now), wish }, drawn.xid, drawn, now)
    }
    case 'INIT-REBOOT':
      return phase.startAt > now ? nothing(state) : reboot(state, phase.remembered, drawn, now)
    case 'SELECTING': {
      const { exchange, wish } = phase
      const { discover } = habits
      if (exchange.nextAt > now) return nothing(state)
      if (discover.kind === 'constant' && exchange.attempts >= discover.times) {
        return startOver(state, later(now, discover.pause), wish)
      }
      return sendAgain(state, phase, drawn, now)
    }
    case 'REQUESTING':
      if (phase.giveUpAt <= now) return startOver(state, later(now, habits.pauseAfterSilence), phase.address)
      return phase.exchange.nextAt > now ? nothing(state) : sendAgain(state, phase, drawn, now)
    case 'REBOOTING':
      if (phase.giveUpAt <= now) return startOver(state, now, phase.address)
      return phase.exchange.nextAt > now ? nothing(state) : sendAgain(state, phase, drawn, now)
    case 'BOUND':
      if (phase.renewAt > now) return nothing(state)
      return renew(state, phase.lease, phase.lease.rebindAt <= now ? 'REBINDING' : 'RENEWING', drawn, now)
    case 'RENEWING':
    case 'REBINDING':
      return keepRenewing(state, phase, drawn, now)
    case 'RELEASED':
    case 'STOPPED':
      return nothing(state)
  }
}

/** RFC 2131 §4.4.2: the REQUEST names the address, and no server. */
function reboot(state: ClientState, remembered: RememberedLease, drawn: Drawn, now: Instant): ClientDecision {
  const { address, expiresAt } = remembered
  const { rebootFor } = state.habits
  if (rebootFor === undefined || expiresAt <= now) return startOver(state, now, address)
  const giveUpAt = later(now, rebootFor)
  const phase: Phase = { name: 'REBOOTING', exchange: newExchange(now), giveUpAt, address }
  return send(state, phase, drawn.xid, drawn, now)
}

function renew(
  state: ClientState,
  lease: HeldLease,
  name: 'RENEWING' | 'REBINDING',
  drawn: Drawn,
  now: Instant,
): ClientDecision {
  return send(state, { name, lease, exchange: newExchange(now) }, drawn.xid, drawn, now)
}

function keepRenewing(
  state: ClientState,
  phase: Extract<Phase, { name: 'RENEWING' | 'REBINDING' }>,
  drawn: Drawn,
  now: Instant,
): ClientDecision {
  const { lease, exchange } = phase
  if (phase.name === 'RENEWING' && lease.rebindAt <= now) return renew(state, lease, 'REBINDING', drawn, now)
  if (exchange.nextAt > now) return nothing(state)
  if (state.habits.renewal === 'udhcpc') {
    const left = between(now, lease.expiresAt)
    if (phase.name === 'RENEWING' && left > UDHCPC_LAST_MOMENTS) {
      const renewAt = later(now, milliseconds(Math.floor(left / 2)))
      return nothing({ ...state, phase: { name: 'BOUND', lease, renewAt } })
    }
    if (phase.name === 'RENEWING') return renew(state, lease, 'REBINDING', drawn, now)
    if (exchange.attempts >= UDHCPC_BROADCASTS) return expire(state, lease, now)
  }
  // A transaction of its own for each try: so it is known which of them an ACK answers, and from when the lease counts.
  return send(state, phase, drawn.xid, drawn, now)
}

function expire(state: ClientState, lease: HeldLease, now: Instant): ClientDecision {
  return startOver(state, now, lease.address, stopUsing(state, 'expired'))
}

function onRelease(state: ClientState, drawn: Drawn, now: Instant): ClientDecision {
  if (state.phase.name === 'STOPPED') return nothing(state)
  const lease = leaseOf(state)
  const released: ClientState = { ...state, phase: { name: 'RELEASED' }, naks: 0 }
  return {
    state: released,
    effects: [
      ...(lease === undefined ? [] : releaseLease(state, lease, drawn, now)),
      ...stopUsing(state, 'released'),
      { type: 'remember', lease: undefined },
    ],
  }
}

function nothing(state: ClientState): ClientDecision {
  return { state, effects: [] }
}

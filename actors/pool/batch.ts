import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from '../../src/api/values/mac-address.ts'
import { formatInstant, type Instant } from '../../src/api/values/time.ts'
import { AddressTakenError, PoolExhaustedError } from '../../src/ipam/errors.ts'
import { restEnd } from './book.ts'
import { claimOf } from './claims.ts'
import type { AllocateRequest, Owner } from './contracts.ts'
import type { PoolEffect } from './messages.ts'
import { noteRefusal, type Refusal } from './refusals.ts'
import type { Book, PendingRequest, PoolState } from './state.ts'
import { refusalOf, whyClosed } from './why-refused.ts'

export interface BatchOutcome {
  /** Replies and events that must not leave before the status is written (law 2). */
  effects: PoolEffect[]
  /** What must not be decided before the owner's wish was read. */
  unverified: Extract<PendingRequest, { type: 'allocate' }>[]
  /** Would undo what this batch answers: the status must say that first. */
  deferred: PendingRequest[]
  /** Keep what they have, says a look at the API that was begun before they came: a later one must say so too. */
  kept: { request: PendingRequest; answer: PoolEffect }[]
  /**
   * Addresses that came free, since the clients that had them are gone. Nobody gets one before the status says that it is
   * free: an agent that sees one MAC take another's place in one step must let the lease of the first run out.
   */
  vacated: Map<IPv4Address, MacAddress>
  /** Who is answered that it has an address. */
  answered: Set<MacAddress>
  /** The status must be written before anything is answered. */
  changed: boolean
}

/** Decides every waiting request on the allocator, in the order of arrival. */
export function decideBatch(
  state: PoolState,
  book: Book,
  requests: readonly PendingRequest[],
  now: Instant,
): BatchOutcome {
  const outcome: BatchOutcome = {
    effects: [],
    unverified: [],
    deferred: [],
    kept: [],
    vacated: new Map(),
    answered: new Set(),
    changed: false,
  }
  for (const request of requests) {
    if (request.type === 'allocate') decideAllocate(state, book, request, outcome, now)
    else decideRelease(state, book, request, outcome, now)
  }
  for (const address of outcome.vacated.keys()) book.allocator.wake(address)
  return outcome
}

function decideAllocate(
  state: PoolState,
  book: Book,
  pending: Extract<PendingRequest, { type: 'allocate' }>,
  outcome: BatchOutcome,
  now: Instant,
): void {
  const { request, token } = pending
  const { allocator } = book
  const mac = parseMacAddress(request.macAddress)
  const held = allocator.addressOf(mac)
  const pinned = optionalAddress(request.pinnedAddress)
  // Who asked since may have asked for something else (law 4).
  const isVerified = pending.verifiedAt === claimOf(state, mac)
  const isDisputed =
    pending.contested || (held !== undefined && isRival(pending.previousOwner, request.owner))

  const keeps = held !== undefined && (pinned === undefined || pinned === held)
  if (!keeps && outcome.answered.has(mac)) {
    outcome.deferred.push(pending)
    return
  }
  // Whoever may send messages must not use up the pool for owners that are made up.
  if ((isDisputed || !pending.asked) && !isVerified) {
    outcome.unverified.push(pending)
    return
  }
  if (keeps) {
    outcome.answered.add(mac)
    const answer = allocated(token, held)
    // The API server may have gone back to a backup that the owner has seen and this actor has not.
    if (state.seenBy > pending.looksBefore) outcome.effects.push(answer)
    else outcome.kept.push({ request: pending, answer })
    return
  }
  const closed = whyClosed(state)
  if (closed !== undefined) {
    refuse(state, outcome, pending, closed, now)
    return
  }
  if (held !== undefined && !isVerified) {
    // An old request that comes late must not move a MAC away from the address that its owner wants by now (law 4).
    outcome.unverified.push(pending)
    return
  }
  try {
    const address = take(state, book, mac, request, held, outcome, now)
    outcome.changed = true
    state.refused.delete(mac)
    outcome.answered.add(mac)
    outcome.effects.push(allocated(token, address))
    const body = { address: formatIPv4Address(address), macAddress: mac, owner: request.owner }
    outcome.effects.push({ type: 'publish', event: { type: 'lease-allocated', body } })
  } catch (error) {
    if (waitsForVacated(error, outcome)) outcome.deferred.push(pending)
    else refuse(state, outcome, pending, refusalOf(error), now)
  }
}

function waitsForVacated(error: unknown, { vacated }: BatchOutcome): boolean {
  if (error instanceof AddressTakenError) return vacated.has(error.address)
  return error instanceof PoolExhaustedError && vacated.size > 0
}

/** @throws what the allocator throws; then nothing has changed */
function take(
  state: PoolState,
  book: Book,
  mac: MacAddress,
  request: AllocateRequest,
  held: IPv4Address | undefined,
  outcome: BatchOutcome,
  now: Instant,
): IPv4Address {
  const { allocator } = book
  const pinned = optionalAddress(request.pinnedAddress)
  if (pinned === undefined) {
    const address = allocator.allocate(mac, optionalAddress(request.hint))
    book.restingUntil.delete(address)
    return address
  }
  if (held !== undefined) allocator.release(mac, { rest: true })
  try {
    allocator.claim(pinned, mac)
  } catch (error) {
    if (held !== undefined) allocator.adopt(held, mac)
    throw error
  }
  book.restingUntil.delete(pinned)
  if (held !== undefined) noteReleased(state, book, mac, held, true, outcome, now)
  return pinned
}

function decideRelease(
  state: PoolState,
  book: Book,
  pending: Extract<PendingRequest, { type: 'release' }>,
  outcome: BatchOutcome,
  now: Instant,
): void {
  const { mac, token } = pending
  if (outcome.answered.has(mac)) {
    outcome.deferred.push(pending)
    return
  }
  // Asked for again since the owner's wish was read: it stays (law 4).
  const wantedAgain = claimOf(state, mac) !== pending.claim
  // Of a VM that a restored backup does not know, nobody can say that its client is gone.
  const rest = pending.clientMayRun || wasForgotten(state, mac, now)
  if (!wantedAgain) state.refused.delete(mac)
  const address = wantedAgain ? undefined : book.allocator.release(mac, { rest: true })
  if (address !== undefined && !rest) outcome.vacated.set(address, mac)
  if (address !== undefined) noteReleased(state, book, mac, address, rest, outcome, now)
  if (token !== undefined) {
    outcome.effects.push({
      type: 'reply-release',
      token,
      body: { outcome: wantedAgain ? 'still-wanted' : 'released' },
    })
  }
}

function wasForgotten({ forgotten }: PoolState, mac: MacAddress, now: Instant): boolean {
  return forgotten.some((entry) => entry.mac === mac && entry.until > now)
}

function noteReleased(
  state: PoolState,
  book: Book,
  mac: MacAddress,
  address: IPv4Address,
  rests: boolean,
  outcome: BatchOutcome,
  now: Instant,
): void {
  outcome.changed = true
  const until = rests ? restEnd(book, now) : undefined
  if (until === undefined) state.freed.push(address)
  else book.restingUntil.set(address, until)
  const restsUntil = until === undefined ? undefined : formatInstant(until)
  outcome.effects.push({
    type: 'publish',
    event: {
      type: 'lease-released',
      body: { address: formatIPv4Address(address), macAddress: mac, restsUntil },
    },
  })
}

/** Two objects that ask for one MAC: which of them may have it, only the API can say. */
function isRival(previous: Owner | undefined, owner: Owner): boolean {
  return previous !== undefined && (previous.namespace !== owner.namespace || previous.name !== owner.name)
}

function refuse(
  state: PoolState,
  outcome: BatchOutcome,
  pending: Extract<PendingRequest, { type: 'allocate' }>,
  refusal: Refusal,
  now: Instant,
): void {
  const body = { outcome: 'refused' as const, ...refusal }
  outcome.effects.push({ type: 'reply-allocate', token: pending.token, body })
  if (!noteRefusal(state.refused, pending.request, refusal, now)) return
  const { macAddress, owner } = pending.request
  outcome.effects.push({
    type: 'publish',
    event: { type: 'allocation-refused', body: { macAddress, owner, ...refusal } },
  })
}

function allocated(token: number, address: IPv4Address): PoolEffect {
  const body = { outcome: 'allocated' as const, address: formatIPv4Address(address) }
  return { type: 'reply-allocate', token, body }
}

function optionalAddress(text: string | undefined): IPv4Address | undefined {
  return text === undefined ? undefined : parseIPv4Address(text)
}

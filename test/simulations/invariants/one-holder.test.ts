import { beforeEach, expect, test } from 'vitest'
import { oneHolder } from '../../../simulations/invariants/one-holder.ts'
import type { RunningClient } from '../../../simulations/world/guests.ts'
import { EPOCH } from '../../../simulations/world/machine.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { toInstant } from '../../../src/api/values/time.ts'
import { ADDRESS, Court, FIRST, SECOND, SERVER } from './packet-court.ts'

const LAW = 'one holder'
let court: Court
let first: RunningClient
let second: RunningClient
beforeEach(() => {
  court = new Court()
  court.judge.add(oneHolder(court.judge.witness, court.judge.history))
  first = court.boot(FIRST)
  second = court.boot(SECOND, 'vm-2')
})

function isAcknowledged(client: RunningClient): void {
  court.told(client, {
    type: 'bound',
    address: parseIPv4Address(ADDRESS),
    server: parseIPv4Address(SERVER),
    leaseSeconds: 60,
    since: toInstant(EPOCH + court.now),
    until: toInstant(EPOCH + court.now + 60_000),
  })
}

test('two MACs never hold unexpired leases of one address', () => {
  isAcknowledged(first)
  court.now += 59_999
  isAcknowledged(second)
  expect(court.broken()).toEqual([LAW])
})

test('when the lease of the first has run out the second may have it', () => {
  isAcknowledged(first)
  court.now += 60_000
  isAcknowledged(second)
  expect(court.broken()).toEqual([])
})

test('when the first has given it up the second may have it', () => {
  isAcknowledged(first)
  court.told(first, { type: 'lost', address: parseIPv4Address(ADDRESS), why: 'nak' })
  isAcknowledged(second)
  expect(court.broken()).toEqual([])
})

test('two clients with one MAC are one to the server', () => {
  isAcknowledged(first)
  isAcknowledged(court.boot(FIRST, 'vm-3'))
  expect(court.broken()).toEqual([])
})

import { beforeEach, expect, test } from 'vitest'
import { dataPathWaitsForNobody } from '../../../simulations/invariants/data-path.ts'
import type { RunningClient } from '../../../simulations/world/guests.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { ADDRESS, anAgent, Court, FIRST, LEASE_SECONDS, OTHER_ADDRESS, SECOND } from './packet-court.ts'

const LAW = 'the data path waits for nobody'
const LEASES = { [ADDRESS]: FIRST }
let court: Court
let client: RunningClient
let undisturbedSince: number | undefined
beforeEach(() => {
  court = new Court()
  undisturbedSince = 0
  const { witness, history } = court.judge
  court.judge.add(dataPathWaitsForNobody(witness, history, [anAgent()], () => undisturbedSince))
  court.write('operator', {}, { paused: false })
  court.write('controller-1', LEASES)
  court.now += 200_000
  client = court.boot(FIRST)
})

function losesAfterTheLease(): string[] {
  court.now += LEASE_SECONDS * 1000
  court.told(client, { type: 'lost', address: parseIPv4Address(ADDRESS), why: 'expired' })
  return court.broken()
}

test('a lease that ran out, although an agent that knew it ran, was lost by its fault', () => {
  court.bound(client)
  expect(losesAfterTheLease()).toEqual([LAW])
})

test('while packets were lost it may run out', () => {
  court.bound(client)
  undisturbedSince = court.now + 1
  expect(losesAfterTheLease()).toEqual([])
})

test('of a MAC that has the address no more it may run out', () => {
  court.bound(client)
  court.write('controller-1', {})
  expect(losesAfterTheLease()).toEqual([])
})

test('a pause excuses, also one that is over', () => {
  court.bound(client)
  court.write('operator', LEASES, { paused: true })
  court.write('operator', LEASES, { paused: false })
  expect(losesAfterTheLease()).toEqual([])
})

test('a pause long ago does not', () => {
  court.write('operator', LEASES, { paused: true })
  court.write('operator', LEASES, { paused: false })
  court.now += 120_000
  court.bound(client)
  expect(losesAfterTheLease()).toEqual([LAW])
})

test('an edit of what clients are told excuses nobody', () => {
  court.bound(client)
  court.write('operator', LEASES, { ipv4Config: { dns: ['1.1.1.1'], leaseTime: 20 } })
  expect(losesAfterTheLease()).toEqual([LAW])
})

test('what people wrote by hand excuses those about whom it is', () => {
  court.bound(client)
  court.write('operator', { ...LEASES, [OTHER_ADDRESS]: SECOND })
  expect(losesAfterTheLease()).toEqual([LAW])
})

test('who was given a second address by hand may have been told that one', () => {
  court.bound(client)
  court.write('operator', { ...LEASES, [OTHER_ADDRESS]: FIRST })
  court.write('controller-1', LEASES)
  expect(losesAfterTheLease()).toEqual([])
})

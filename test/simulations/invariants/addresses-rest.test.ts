import { beforeEach, expect, test } from 'vitest'
import { addressesRest } from '../../../simulations/invariants/addresses-rest.ts'
import { ADDRESS, Court, FIRST, LEASE_SECONDS, SECOND } from './packet-court.ts'

const LAW = 'addresses rest'
const LEASE = LEASE_SECONDS * 1000
let court: Court
beforeEach(() => {
  court = new Court()
  court.judge.add(addressesRest(court.judge.witness, court.judge.history))
  court.write('operator', {}, { paused: false })
  court.write('controller-1', { [ADDRESS]: FIRST })
})

test('an address given back while its client runs goes to nobody else within the lease time', () => {
  court.boot(FIRST)
  court.write('controller-1', {})
  court.now += LEASE - 1
  court.write('controller-2', { [ADDRESS]: SECOND })
  expect(court.broken()).toEqual([LAW])
})

test('nor does it when the client has stopped since: the pool cannot know', () => {
  court.boot(FIRST)
  court.write('controller-1', {})
  court.clients.length = 0
  court.now += LEASE / 2
  court.write('controller-1', { [ADDRESS]: SECOND })
  expect(court.broken()).toEqual([LAW])
})

test('nor does it pass from one to another in one write', () => {
  court.boot(FIRST)
  court.write('controller-1', { [ADDRESS]: SECOND })
  expect(court.broken()).toEqual([LAW])
})

test('after the lease time it does', () => {
  court.boot(FIRST)
  court.write('controller-1', {})
  court.now += LEASE
  court.write('controller-1', { [ADDRESS]: SECOND })
  expect(court.broken()).toEqual([])
})

test('the lease time is the one of when it was given back', () => {
  court.boot(FIRST)
  court.write('controller-1', {})
  court.write('operator', {}, { ipv4Config: { leaseTime: 10 } })
  court.now += LEASE / 2
  court.write('controller-1', { [ADDRESS]: SECOND })
  expect(court.broken()).toEqual([LAW])
})

test('whose client is gone leaves it to anybody at once', () => {
  court.write('controller-1', {})
  court.write('controller-1', { [ADDRESS]: SECOND })
  expect(court.broken()).toEqual([])
})

test('who had it may have it back', () => {
  court.boot(FIRST)
  court.write('controller-1', {})
  court.write('controller-1', { [ADDRESS]: FIRST })
  expect(court.broken()).toEqual([])
})

test('who had it back and is gone now leaves it to anybody', () => {
  court.boot(FIRST)
  court.write('controller-1', {})
  court.write('controller-1', { [ADDRESS]: FIRST })
  court.clients.length = 0
  court.write('controller-1', {})
  court.write('controller-1', { [ADDRESS]: SECOND })
  expect(court.broken()).toEqual([])
})

test('what people take or give by hand is theirs to answer for', () => {
  court.boot(FIRST)
  court.write('operator', {})
  court.write('controller-1', { [ADDRESS]: SECOND })
  court.boot(SECOND, 'vm-2')
  court.write('controller-1', {})
  court.write('operator', { [ADDRESS]: FIRST })
  expect(court.broken()).toEqual([])
})

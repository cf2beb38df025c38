import { beforeEach, expect, test } from 'vitest'
import { revokedIsNotServed } from '../../../simulations/invariants/revoked-is-not-served.ts'
import { ADDRESS, AGENT, Court, FIRST, SECOND } from './packet-court.ts'

const LAW = 'revoked is not served'
let court: Court
beforeEach(() => {
  court = new Court()
  const { witness, history, hearsay } = court.judge
  court.judge.add(revokedIsNotServed(witness, history, hearsay))
  court.write('controller-1', { [ADDRESS]: FIRST })
  court.hear(AGENT)
})

test('a lease of which the agent heard is acknowledged', () => {
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([])
})

test('one of whose end it heard is not', () => {
  court.write('controller-1', {})
  court.hear(AGENT)
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([LAW])
})

test('one of whose end it has just heard may be on its way', () => {
  const pool = court.write('controller-1', {})
  court.judge.heardOfPool(AGENT, pool)
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([])
})

test('what an older list says of the pool is not what it knows', () => {
  const older = court.write('controller-1', { [ADDRESS]: FIRST })
  court.write('controller-1', {})
  court.hear(AGENT)
  court.hear(AGENT, older)
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([LAW])
})

test('a newer lease may have been told by a message', () => {
  court.write('controller-1', { [ADDRESS]: SECOND })
  court.replies('ACK', SECOND)
  expect(court.broken()).toEqual([])
})

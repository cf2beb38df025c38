import { beforeEach, describe, expect, test } from 'vitest'
import type { AgentUptime } from '../../../simulations/invariants/serving.ts'
import { whoHasItIsServed } from '../../../simulations/invariants/who-has-it-is-served.ts'
import type { RunningClient } from '../../../simulations/world/guests.ts'
import { ADDRESS, AGENT, anAgent, aStateFile, Court, FIRST, OTHER_ADDRESS, SECOND } from './packet-court.ts'

const REFUSED = 'who has it is not refused'
const UNANSWERED = 'who has it is answered'
let court: Court
let undisturbedSince: number | undefined
let client: RunningClient

function open(agents: AgentUptime[]): void {
  court = new Court()
  undisturbedSince = 0
  const { witness, history, hearsay } = court.judge
  const hadPackets = () => undisturbedSince
  court.judge.add(whoHasItIsServed({ witness, history, hearsay, agents, hadPackets }))
  court.write('operator', {}, { paused: false })
  // Edits have come to their end.
  court.now += 200_000
  client = court.boot(FIRST)
}

beforeEach(() => open([anAgent()]))

function knownLease(): void {
  court.write('controller-1', { [ADDRESS]: FIRST })
  court.hear(AGENT)
}

describe('a NAK', () => {
  test('for the address that the MAC has, by an agent that knows, lets it down', () => {
    knownLease()
    court.asks(client, 'REQUEST', 7)
    court.replies('NAK', FIRST, { xid: 7 })
    expect(court.broken()).toEqual([REFUSED])
  })

  test('for another address is right', () => {
    knownLease()
    court.asks(client, 'REQUEST', 7, OTHER_ADDRESS)
    court.replies('NAK', FIRST, { xid: 7 })
    expect(court.broken()).toEqual([])
  })

  test('by an agent that has not heard of the lease yet is right', () => {
    court.hear(AGENT)
    court.write('controller-1', { [ADDRESS]: FIRST })
    court.asks(client, 'REQUEST', 7)
    court.replies('NAK', FIRST, { xid: 7 })
    expect(court.broken()).toEqual([])
  })

  test('to a liar, who does not know the transaction, lets nobody down', () => {
    knownLease()
    court.asks(client, 'REQUEST', 7)
    court.replies('NAK', FIRST, { xid: 8 })
    expect(court.broken()).toEqual([])
  })

  test('to a question that may have been damaged on its way says nothing', () => {
    knownLease()
    undisturbedSince = court.now + 1
    court.asks(client, 'REQUEST', 7)
    court.replies('NAK', FIRST, { xid: 7 })
    expect(court.broken()).toEqual([])
  })

  test('by an agent that was started again and has the lease in its state file lets it down', () => {
    let file: string | undefined
    open([anAgent({ stateFile: () => file })])
    file = aStateFile(court.write('controller-1', { [ADDRESS]: FIRST }), { [ADDRESS]: FIRST })
    court.asks(client, 'REQUEST', 7)
    court.replies('NAK', FIRST, { xid: 7 })
    expect(court.broken()).toEqual([REFUSED])
  })
})

describe('a DISCOVER that is sent again', () => {
  function asksAgain(after = 6_000): void {
    court.asks(client, 'DISCOVER', 1)
    court.now += after
    court.asks(client, 'DISCOVER', 1)
  }

  test('was not answered by an agent that knows the lease', () => {
    knownLease()
    asksAgain()
    expect(court.broken()).toEqual([UNANSWERED])
  })

  test('at once says nothing', () => {
    knownLease()
    asksAgain(3_000)
    expect(court.broken()).toEqual([])
  })

  test('by who was bound meanwhile, or refused, says nothing', () => {
    knownLease()
    court.asks(client, 'DISCOVER', 1)
    court.bound(client)
    court.now += 6_000
    court.asks(client, 'DISCOVER', 2)
    court.told(client, { type: 'received', messageType: 'NAK', xid: 2, heeded: true })
    court.now += 6_000
    court.asks(client, 'DISCOVER', 3)
    expect(court.broken()).toEqual([])
  })

  test('to who has no address says nothing', () => {
    court.hear(AGENT)
    asksAgain()
    expect(court.broken()).toEqual([])
  })

  test('while packets are lost says nothing', () => {
    knownLease()
    undisturbedSince = undefined
    asksAgain()
    expect(court.broken()).toEqual([])
  })

  test('while the agent was down says nothing', () => {
    open([anAgent({ upSince: () => 206_000 })])
    knownLease()
    asksAgain()
    expect(court.broken()).toEqual([])
  })

  test('while the pool is paused says nothing', () => {
    knownLease()
    court.write('operator', { [ADDRESS]: FIRST }, { paused: true })
    court.now += 200_000
    asksAgain()
    expect(court.broken()).toEqual([])
  })

  test('for an address that another may still use says nothing, and later it does', () => {
    court.write('controller-1', { [ADDRESS]: SECOND })
    knownLease()
    asksAgain()
    expect(court.broken()).toEqual([])
    court.now += 240_000
    asksAgain()
    expect(court.broken()).toEqual([UNANSWERED])
  })
})

import { beforeEach, expect, test } from 'vitest'
import { commitBeforeReply } from '../../../simulations/invariants/commit-before-reply.ts'
import { ADDRESS, AGENT, Court, FIRST, SECOND } from './packet-court.ts'

const LAW = 'commit before reply'
const LONG = 60_000
let court: Court
beforeEach(() => {
  court = new Court()
  const { witness, history, hearsay } = court.judge
  court.judge.add(commitBeforeReply(witness, history, hearsay))
})

/** The address was the MAC's, is nobody's, and everybody knows. */
function givenBack(): void {
  court.write('controller-1', { [ADDRESS]: FIRST })
  court.now += LONG
  court.write('controller-1', {})
  for (const process of [AGENT, 'controller-1']) court.hear(process)
  court.now += LONG
}

function message(verb: string, body: unknown): void {
  const kind = verb === 'delta' ? 'event' : 'reply'
  const subject = `mdhcp.${kind === 'event' ? 'event' : 'cmd'}.pool.default.lan.${verb}`
  court.judge.messaged({ from: 'controller-1', to: AGENT, subject, kind, body: { version: 1, body } })
}

function statusSays(address: string, before?: string): void {
  const config = (said: string | undefined) => ({
    metadata: { name: 'vm-1', namespace: 'default', uid: 'config-1' },
    spec: { vmName: 'vm-1', networkConfig: [{ macAddress: FIRST, networkName: 'default/lan' }] },
    status: {
      networkConfig:
        said === undefined
          ? []
          : [
              {
                macAddress: FIRST,
                networkName: 'default/lan',
                allocatedIPAddress: said,
                state: 'Allocated',
                status: 'Allocated',
              },
            ],
    },
  })
  court.judge.committed({
    plural: 'virtualmachinenetworkconfigs',
    previous: config(before),
    next: config(address),
    by: 'controller-1',
  })
}

test('what the status says may be told, also while the agent has not heard of it from the API', () => {
  court.write('controller-1', { [ADDRESS]: FIRST })
  court.replies('OFFER', FIRST)
  court.replies('ACK', FIRST)
  message('allocate', { outcome: 'allocated', address: ADDRESS })
  statusSays(ADDRESS)
  expect(court.broken()).toEqual([])
})

test('what no status ever said may not', () => {
  court.write('controller-1', {})
  court.replies('ACK', FIRST)
  statusSays(ADDRESS)
  message('allocate', { outcome: 'allocated', address: ADDRESS })
  expect(court.broken()).toEqual([LAW, LAW, LAW])
})

test('an address that the MAC had before is told of only when it is written anew: to clients', () => {
  givenBack()
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([LAW])
})

test('an address that the MAC had before is told of only when it is written anew: in replies between processes', () => {
  givenBack()
  message('allocate', { outcome: 'allocated', address: ADDRESS })
  expect(court.broken()).toEqual([LAW])
})

test('an address that the MAC had before is told of only when it is written anew: in deltas', () => {
  givenBack()
  message('delta', {
    uid: 'pool-1',
    previousRevision: 2,
    revision: 3,
    generation: 1,
    leases: { [ADDRESS]: FIRST, '10.0.0.99': null },
  })
  expect(court.broken()).toEqual([LAW])
})

test('an address that the MAC had before is told of only when it is written anew: in the status of its owner', () => {
  givenBack()
  statusSays(ADDRESS)
  expect(court.broken()).toEqual([LAW])
})

test('what stood in the status of its owner before stays there without being told anew', () => {
  givenBack()
  statusSays(ADDRESS, ADDRESS)
  expect(court.broken()).toEqual([])
})

test('when it is written anew it may be told', () => {
  givenBack()
  court.write('controller-1', { [ADDRESS]: FIRST })
  court.replies('ACK', FIRST)
  message('allocate', { outcome: 'allocated', address: ADDRESS })
  statusSays(ADDRESS)
  expect(court.broken()).toEqual([])
})

test('who has not heard that a lease is over may tell of it', () => {
  court.write('controller-1', { [ADDRESS]: FIRST })
  court.hear(AGENT)
  court.write('controller-1', {})
  court.now += LONG
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([])
})

test('what an agent heard before it was killed it has forgotten', () => {
  givenBack()
  court.lives.set(AGENT, 1)
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([])
})

test("another's lease says nothing of who is told", () => {
  court.write('controller-1', { [ADDRESS]: SECOND })
  court.replies('ACK', FIRST)
  expect(court.broken()).toEqual([LAW])
})

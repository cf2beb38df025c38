import { beforeEach, expect, test } from 'vitest'
import { clientsAreToldSense } from '../../../simulations/invariants/clients-are-told-sense.ts'
import type { RunningClient } from '../../../simulations/world/guests.ts'
import { ADDRESS, Court, FIRST, OTHER_ADDRESS, SECOND } from './packet-court.ts'

const KEEPS = 'keeps its address'
let court: Court
let client: RunningClient
let isIntact: boolean
beforeEach(() => {
  court = new Court()
  isIntact = true
  const { witness, history, wishes } = court.judge
  court.judge.add(clientsAreToldSense(witness, history, wishes, () => isIntact))
  const config = {
    metadata: { name: 'vm-1', namespace: 'default', uid: 'config-1' },
    spec: { vmName: 'vm-1', networkConfig: [{ macAddress: FIRST, networkName: 'default/lan' }] },
  }
  court.judge.committed({
    plural: 'virtualmachinenetworkconfigs',
    previous: undefined,
    next: config,
    by: 'controller-1',
  })
  court.write('operator', {}, { paused: false })
  client = court.boot(FIRST)
})

/** Somebody takes the address of a MAC by hand, and it is given another one. */
function takenByHand(mac: string): void {
  court.write('controller-1', { [ADDRESS]: mac })
  court.write('operator', {})
  court.write('controller-1', { [OTHER_ADDRESS]: FIRST })
}

test('whose owner asks all the time is not told another address', () => {
  court.bound(client)
  court.now += 10_000
  court.bound(client, OTHER_ADDRESS)
  expect(court.broken()).toEqual([KEEPS])
})

test('unless people have taken the first one', () => {
  court.bound(client)
  takenByHand(FIRST)
  court.now += 200_000
  court.bound(client, OTHER_ADDRESS)
  expect(court.broken()).toEqual([])
})

test('what people took long before it was told last is no excuse', () => {
  takenByHand(FIRST)
  court.now += 200_000
  court.bound(client)
  court.now += 10_000
  court.bound(client, OTHER_ADDRESS)
  expect(court.broken()).toEqual([KEEPS])
})

test('what people took from another is no excuse', () => {
  court.bound(client)
  takenByHand(SECOND)
  court.now += 200_000
  court.bound(client, OTHER_ADDRESS)
  expect(court.broken()).toEqual([KEEPS])
})

test('what a client complains of is wrong, unless packets are damaged', () => {
  court.told(client, { type: 'complaint', text: 'ACK: no lease time' })
  expect(court.broken()).toEqual(['sense'])
  isIntact = false
  court.told(client, { type: 'complaint', text: 'ACK: no lease time' })
  expect(court.broken()).toEqual(['sense'])
})

import { describe, expect, test } from 'vitest'
import { afterQuiet } from '../../../simulations/invariants/after-quiet.ts'
import { memoryIsBounded } from '../../../simulations/invariants/memory-is-bounded.ts'
import { nicsAndWishes } from '../../../simulations/invariants/nics-and-wishes.ts'
import { noCrash } from '../../../simulations/invariants/no-crash.ts'
import { pausedIsPaused } from '../../../simulations/invariants/paused.ts'
import { packet } from '../../dhcp/builders.ts'
import { condition, configObject, NET_48, TEST_MAC, vmObject } from '../../support/objects.ts'
import { ADDRESS, Court, clientWith, orderly, told } from './court.ts'

const DELETED = '2026-01-01T00:00:00Z'

describe('after quiet', () => {
  const court = () => new Court(({ witness, history, wishes }) => afterQuiet(witness, history, wishes))

  test('who asks may hold an address, and nobody else', () => {
    const held = court()
    held.pool(orderly({ [ADDRESS]: TEST_MAC }))
    held.config(configObject())
    expect(held.afterQuiet()).toEqual([])

    const leaked = court()
    leaked.pool(orderly({ [ADDRESS]: TEST_MAC }))
    expect(leaked.afterQuiet()).toEqual(['no leaks'])
  })

  test('what was deleted is gone', () => {
    const pool = court()
    pool.pool(orderly({}, { metadata: { deletionTimestamp: DELETED } }))
    expect(pool.afterQuiet()).toEqual(['nothing is stuck'])

    const config = court()
    config.config(configObject({ metadata: { deletionTimestamp: DELETED } }))
    expect(config.afterQuiet()).toEqual(['nothing is stuck'])
  })

  test('a pool that serves says so', () => {
    const pool = court()
    pool.pool(orderly({}, { status: { conditions: [condition('Registered', 'True')] } }))
    expect(pool.afterQuiet()).toEqual(['conditions come true', 'conditions come true'])
  })

  test.each([
    [ADDRESS, []],
    ['192.168.48.85', ['clients have what the pool says']],
  ])('a client that has %s of the pool', (address, broken) => {
    const clients = court()
    clients.pool(orderly({ [ADDRESS]: TEST_MAC }))
    clients.config(configObject())
    clients.clients = [clientWith(address)]
    expect(clients.afterQuiet()).toEqual(broken)
  })
})

describe('the NICs of a VM', () => {
  const court = () => new Court(({ witness, history, wishes }) => nicsAndWishes(witness, history, wishes))

  test('all ask on networks with a pool', () => {
    const asking = court()
    asking.pool(orderly())
    asking.vm(vmObject())
    expect(asking.afterQuiet()).toEqual(['every NIC asks'])
  })

  test('ask for what the VM pins', () => {
    const pinning = court()
    pinning.pool(orderly())
    pinning.vm(vmObject(undefined, { annotations: { 'static-ip.harvesterhci.io/nic-1': ADDRESS } }))
    pinning.config(configObject())
    expect(pinning.afterQuiet()).toEqual(['pins are followed'])
    pinning.config(
      configObject({ networks: [{ macAddress: TEST_MAC, networkName: NET_48, ipAddress: ADDRESS }] }),
    )
    expect(pinning.afterQuiet()).toHaveLength(1)
  })

  test('are the only ones for which its object asks', () => {
    const left = court()
    left.vm(vmObject({}))
    left.config(configObject())
    expect(left.afterQuiet()).toEqual(['no leaks'])
  })
})

describe('what is paused', () => {
  const court = () => new Court(({ witness, history, wishes }) => pausedIsPaused(witness, history, wishes))
  const paused = { spec: { paused: true } }

  test('is not served by an agent that heard of it', () => {
    const serving = court()
    serving.pool(orderly({}, paused))
    serving.judge.heardOfPool('agent-net-48-1', orderly({}, paused))
    serving.now = 1_000
    const reply = { agent: 'agent-net-48-1', network: 'net-48', packet: packet() }
    serving.judge.replied({ ...reply, agent: 'agent-net-48-2' })
    expect(serving.broken()).toEqual([])
    serving.judge.replied(reply)
    expect(serving.broken()).toEqual(['who is paused does not serve'])
  })

  test('says that it is stopped', () => {
    const silent = court()
    silent.pool(orderly({}, paused))
    expect(silent.afterQuiet()).toEqual(['conditions come true'])
    silent.pool(orderly({}, { ...paused, status: { conditions: [condition('Stopped', 'True')] } }))
    expect(silent.afterQuiet()).toHaveLength(1)
  })

  test('says that it is disabled, and holds nothing', () => {
    const config = court()
    const status = told('Allocated', { address: ADDRESS })
    config.config({ ...configObject({ spec: { paused: true } }), status })
    expect(config.afterQuiet()).toEqual([
      'conditions come true',
      'conditions come true',
      'the status comes true',
    ])
  })

  test('what is not says so, and only of what it asks for', () => {
    const config = court()
    config.config({ ...configObject(), status: told('Allocated', { address: ADDRESS }) })
    expect(config.afterQuiet()).toEqual([])
    config.config({ ...configObject({ networks: [] }), status: told('Pending', { message: 'why' }) })
    expect(config.afterQuiet()).toEqual(['the status comes true'])
  })
})

test.each([
  [0, []],
  [3, ['memory is bounded']],
])('an agent that remembers %i leases long after the last of them ran out', (count, broken) => {
  const agent = { name: 'agent-net-48-1', remembered: () => count }
  const court = new Court(({ witness }) => memoryIsBounded(witness, [agent]))
  expect(court.afterQuiet()).toEqual(broken)
})

test('whatever is thrown where nobody expects it is a crash; a full disk is expected', () => {
  const court = new Court(({ witness }) => noCrash(witness))
  const error = { type: 'StateFileError', message: 'no space', stack: '' }
  court.judge.logged({ process: 'agent-net-48-1', message: 'not saved', error })
  expect(court.broken()).toEqual([])
  court.judge.logged({
    process: 'agent-net-48-1',
    message: 'crashed',
    error: { ...error, type: 'TypeError' },
  })
  expect(court.broken()).toEqual(['no crash'])
})

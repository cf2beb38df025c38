import { describe, expect, test } from 'vitest'
import { seconds } from '../../../src/api/values/time.ts'
import { configObject, instanceObject, NET_48, TEST_MAC, vmObject } from '../../support/objects.ts'
import { observed, POOL, VmDriver } from './driver.ts'

const NET_49 = 'default/net-49'
const POOL_49 = { namespace: 'default', name: 'net-49', uid: 'pool-49' }
const BOTH = new Map([
  [NET_48, POOL],
  [NET_49, POOL_49],
])
const allocated = {
  allocatedIPAddress: '192.168.48.84',
  macAddress: TEST_MAC,
  networkName: NET_48,
  state: 'Allocated',
}

/** A VM that has its address, and whose status says so. */
function settled(): VmDriver {
  const driver = new VmDriver()
  driver.observe()
  driver.grant('192.168.48.84')
  driver.written()
  driver.effects = []
  return driver
}

function conditionOf(driver: VmDriver, type: string) {
  return driver.state.observed?.config?.status?.conditions?.find((each) => each.type === type)
}

describe('the object of a VM', () => {
  test('is made for a VM with a NIC on a network that has a pool', () => {
    const driver = new VmDriver()

    driver.observe({ config: undefined })

    expect(driver.take('create-config').config).toMatchObject({
      metadata: {
        name: 'test-vm',
        labels: { 'harvesterhci.io/vmName': 'test-vm' },
        ownerReferences: [{ kind: 'VirtualMachine', name: 'test-vm', uid: 'vm-uid' }],
        finalizers: ['wrangler.cattle.io/vm-dhcp-vmnetcfg-controller'],
      },
      spec: { networkConfig: [{ macAddress: TEST_MAC, networkName: NET_48 }], vmName: 'test-vm' },
    })
  })

  test('is not made while no pool serves its networks, nor for a VM that is being deleted', () => {
    const driver = new VmDriver()

    driver.observe({ config: undefined, pools: new Map() })
    driver.observe({
      config: undefined,
      vm: vmObject(undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    })

    expect(driver.all('create-config')).toEqual([])
  })

  test('goes with its VM', () => {
    const driver = new VmDriver()

    driver.observe({ vm: undefined })

    expect(driver.take('collect-config')).toMatchObject({
      seen: { uid: 'config-uid', resourceVersion: '1' },
      vm: { name: 'test-vm', uid: 'vm-uid' },
    })
  })

  test('made by hand without a VM keeps what it asks for, and only gets the finalizer', () => {
    const config = configObject({ metadata: { ownerReferences: [], labels: {}, finalizers: [] } })
    const driver = new VmDriver()

    driver.observe({ vm: undefined, config })

    expect(driver.take('patch-config').patch).toEqual({
      metadata: { finalizers: ['wrangler.cattle.io/vm-dhcp-vmnetcfg-controller'], resourceVersion: '1' },
    })
  })

  test('is taken over by a VM that is made anew under the old name', () => {
    const driver = settled()

    driver.observe({ config: driver.state.observed?.config, vm: vmObject(undefined, { uid: 'vm-2' }) })

    expect(driver.take('patch-config').patch).toMatchObject({
      metadata: { ownerReferences: [{ uid: 'vm-2' }] },
    })
  })

  test('is kept in the spelling that it has', () => {
    const spec = {
      networkConfig: undefined,
      networkConfigs: [{ macAddress: '02:00:00:00:00:09', networkName: NET_48 }],
    }
    const driver = new VmDriver()

    driver.observe({ config: configObject({ spec }) })

    expect(driver.take('patch-config').patch).toMatchObject({
      spec: { networkConfigs: [{ macAddress: TEST_MAC, networkName: NET_48 }] },
    })
  })

  test('of which an entry means the VM’s NIC in other letters is not rewritten', () => {
    const entry = { macAddress: TEST_MAC.toUpperCase(), networkName: 'net-48' }
    const driver = new VmDriver()

    driver.observe({ config: configObject({ networks: [entry] }) })

    expect(driver.all('patch-config')).toEqual([])
    expect(driver.all('allocate')).toHaveLength(1)
  })

  test('keeps the MAC of a VM that was stopped, when only the running instance knew it', () => {
    const driver = new VmDriver()
    driver.observe({ vm: vmObject({ 'nic-1': {} }), instance: instanceObject({ 'nic-1': TEST_MAC }) })
    driver.grant('192.168.48.84')
    const config = driver.written()
    driver.effects = []

    driver.observe({ config, vm: vmObject({ 'nic-1': {} }), instance: undefined })

    expect(driver.effects).toEqual([])
  })

  test('a finalizer is set before anything is asked for', () => {
    const driver = new VmDriver()
    driver.observe({ config: configObject({ metadata: { finalizers: [] } }) })
    expect(driver.all('allocate')).toEqual([])

    driver.written()

    expect(driver.all('allocate')).toHaveLength(1)
  })
})

describe('pins', () => {
  const annotated = (address?: string) =>
    vmObject(undefined, {
      annotations: address === undefined ? {} : { 'static-ip.harvesterhci.io/nic-1': address },
    })

  test('an annotation of the VM pins, and unpins when it goes', () => {
    const driver = settled()
    driver.observe({ config: driver.state.observed?.config, vm: annotated('192.168.48.88') })
    const pinned = driver.written()
    expect(pinned.spec.networkConfig).toEqual([
      { macAddress: TEST_MAC, networkName: NET_48, ipAddress: '192.168.48.88' },
    ])
    expect(driver.grant('192.168.48.88').request).toMatchObject({ pinnedAddress: '192.168.48.88' })
    driver.written()

    driver.observe({ config: driver.state.observed?.config, vm: annotated() })

    expect(driver.written().spec.networkConfig).toEqual([{ macAddress: TEST_MAC, networkName: NET_48 }])
    expect(driver.all('allocate')).toEqual([])
  })

  test('a pin that a person wrote into the object stays', () => {
    const networks = [{ macAddress: TEST_MAC, networkName: NET_48, ipAddress: '192.168.48.88' }]
    const driver = new VmDriver()

    driver.observe({ config: configObject({ networks }) })

    expect(driver.all('patch-config')).toEqual([])
    expect(driver.take('allocate').request.pinnedAddress).toBe('192.168.48.88')
  })

  test('a slip of the pen in the annotation takes nothing away, and is told once', () => {
    const driver = settled()

    for (let look = 0; look < 3; look++) {
      driver.observe({ config: driver.state.observed?.config, vm: annotated('192.168.48.888') })
    }

    expect(driver.all('release')).toEqual([])
    expect(driver.all('record')).toEqual([
      expect.objectContaining({ severity: 'Warning', message: expect.stringContaining('192.168.48.888') }),
    ])
  })

  test('a pin that was refused is asked for again at once when it is changed', () => {
    const driver = new VmDriver()
    const at = (ipAddress: string) =>
      configObject({ networks: [{ macAddress: TEST_MAC, networkName: NET_48, ipAddress }] })
    driver.observe({ config: at('192.168.48.85') })
    driver.refuse('AddressTaken')
    driver.written()

    driver.observe({ config: at('192.168.48.86') })

    expect(driver.take('allocate').request.pinnedAddress).toBe('192.168.48.86')
  })
})

describe('asking', () => {
  test('the answer is written into the status, as the documentation shows it', () => {
    const driver = new VmDriver()
    driver.observe()
    driver.grant('192.168.48.84')

    const { status } = driver.written()

    expect(status?.networkConfig).toEqual([allocated])
    expect(status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Allocated True',
      'Disabled False',
      'InSynced True',
    ])
    expect(driver.all('record')).toEqual([expect.objectContaining({ reason: 'AddressAllocated' })])
  })

  test('a restart asks for what the status says, and neither writes nor tells anything', () => {
    const { config } = settled().state.observed ?? {}
    const driver = new VmDriver()
    driver.observe({ config })

    expect(driver.grant('192.168.48.84').request.hint).toBe('192.168.48.84')

    expect(driver.effects).toEqual([])
  })

  test('a refusal is shown with its reason, told once, and tried again later and later', () => {
    const driver = new VmDriver()
    driver.observe()
    const times: number[] = []
    for (let attempt = 0; attempt < 12; attempt++) {
      driver.refuse('PoolExhausted', 'no free address')
      if (driver.all('write-status').length > 0) driver.written()
      while (driver.all('allocate').length === 0) driver.pass(100)
      times.push(driver.now)
    }

    expect(driver.all('record')).toHaveLength(1)
    expect(conditionOf(driver, 'Allocated')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('no free address'),
    })
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(gaps.at(-1)).toBe(30_000)
    expect(gaps[0]).toBeLessThan(1000)
  })

  test('a pool that does not answer is tried again, and its refusal before that is not told twice', () => {
    const driver = new VmDriver()
    driver.observe()
    driver.refuse('PoolExhausted')
    driver.written()
    driver.pass(500)
    const { nic, ask } = driver.take('allocate')
    driver.tell({ type: 'request-failed', nic, ask, reason: 'nobody answers' })
    driver.written()
    driver.pass(1000)

    driver.refuse('PoolExhausted')

    expect(driver.all('record')).toHaveLength(1)
  })

  test('a nudge asks at once', () => {
    const driver = new VmDriver()
    driver.observe()
    driver.refuse('PoolExhausted')
    driver.written()
    expect(driver.all('allocate')).toEqual([])

    driver.tell({ type: 'nudge', scope: 'waiting' })

    driver.grant('192.168.48.84')
  })

  test('a nudge to all makes also those ask who believe to have an address', () => {
    const driver = settled()

    driver.tell({ type: 'nudge', scope: 'all' })

    expect(driver.take('allocate').request.hint).toBe('192.168.48.84')
  })

  test('a pool that comes is asked at once, whenever the next try was to be', () => {
    const driver = new VmDriver()
    driver.observe({ pools: new Map() })
    driver.written()
    expect(conditionOf(driver, 'Allocated')?.message).toMatch(/no IPPool serves the network default\/net-48/)

    driver.observe({ config: driver.state.observed?.config })

    expect(driver.all('allocate')).toHaveLength(1)
  })

  test('a pool that is made anew under the old name is asked again', () => {
    const driver = settled()

    driver.observe({
      config: driver.state.observed?.config,
      pools: new Map([[NET_48, { ...POOL, uid: 'another' }]]),
    })

    expect(driver.take('allocate').request.hint).toBe('192.168.48.84')
  })

  test('a pool that is gone took the lease with it: the status says so', () => {
    const driver = settled()

    driver.observe({ config: driver.state.observed?.config, pools: new Map() })
    driver.written()

    expect(conditionOf(driver, 'Allocated')).toMatchObject({ status: 'False' })
  })

  test('only the answer to the last question counts', () => {
    const driver = new VmDriver()
    driver.observe()
    const { nic, ask } = driver.take('allocate')

    driver.tell({
      type: 'allocate-answered',
      nic,
      ask: ask + 7,
      reply: { outcome: 'allocated', address: '1.1.1.1' },
    })
    driver.tell({
      type: 'allocate-answered',
      nic,
      ask,
      reply: { outcome: 'allocated', address: '192.168.48.84' },
    })
    driver.tell({ type: 'allocate-answered', nic, ask, reply: { outcome: 'allocated', address: '2.2.2.2' } })

    expect(driver.written().status?.networkConfig).toEqual([allocated])
  })

  test('nonsense in the status is no hint', () => {
    const driver = new VmDriver()

    driver.observe({ config: configObject({ statuses: [{ ...allocated, allocatedIPAddress: 'nonsense' }] }) })

    expect(driver.take('allocate').request).not.toHaveProperty('hint')
  })
})

describe('giving back', () => {
  test('a MAC that changed: the old address goes back, the new MAC asks', () => {
    const driver = settled()
    driver.observe({
      config: driver.state.observed?.config,
      vm: vmObject({ 'nic-1': { mac: '02:00:00:00:00:09' } }),
    })
    driver.written()

    expect(driver.released().request.macAddress).toBe(TEST_MAC)
    expect(driver.grant('192.168.48.85').request.macAddress).toBe('02:00:00:00:00:09')
    expect(driver.written().status?.networkConfig).toEqual([
      expect.objectContaining({ macAddress: '02:00:00:00:00:09', allocatedIPAddress: '192.168.48.85' }),
    ])
  })

  test('a NIC that moved asks the pool of its new network, without a hint from the old', () => {
    const driver = settled()
    driver.observe({
      config: driver.state.observed?.config,
      pools: BOTH,
      vm: vmObject({ 'nic-1': { mac: TEST_MAC, network: NET_49 } }),
    })
    driver.written()

    expect(driver.take('release').pool.name).toBe('net-48')
    const { pool, request } = driver.take('allocate')
    expect(pool.name).toBe('net-49')
    expect(request).not.toHaveProperty('hint')
  })

  test('a NIC that is being unplugged gives its address back', () => {
    const driver = settled()

    driver.observe({
      config: driver.state.observed?.config,
      vm: vmObject({ 'nic-1': { mac: TEST_MAC, state: 'absent' } }),
    })
    driver.written()
    driver.released()

    expect(driver.written().status?.networkConfig).toEqual([])
  })

  test('an address that cannot be given back yet is Stale, and the object not in sync', () => {
    const driver = settled()
    driver.observe({
      config: driver.state.observed?.config,
      vm: vmObject({ 'nic-1': { mac: TEST_MAC, state: 'absent' } }),
    })
    driver.written()

    driver.released({ outcome: 'refused', reason: 'Unavailable', message: 'later' })
    const { status } = driver.written()

    expect(status?.networkConfig).toEqual([{ ...allocated, state: 'Stale' }])
    expect(conditionOf(driver, 'InSynced')?.status).toBe('False')
    driver.pass(500)
    driver.released()
    driver.written()
    expect(conditionOf(driver, 'InSynced')?.status).toBe('True')
  })

  test('paused, the object is Disabled and holds nothing; unpaused, it asks again', () => {
    const driver = settled()
    const { config } = driver.state.observed ?? {}
    const paused = { ...(config ?? configObject()), spec: { ...config?.spec, paused: true } }
    driver.observe({ config: paused })
    driver.released()
    const { status } = driver.written()
    expect(status?.networkConfig).toEqual([{ macAddress: TEST_MAC, networkName: NET_48, state: 'Pending' }])
    expect(conditionOf(driver, 'Disabled')?.status).toBe('True')
    expect(conditionOf(driver, 'Allocated')?.status).toBe('False')

    const { config: disabled } = driver.state.observed ?? {}
    driver.observe({ config: { ...(disabled ?? configObject()), spec: { ...config?.spec, paused: false } } })

    expect(driver.all('allocate')).toHaveLength(1)
  })

  test('a deleted object lets go of its finalizer only when everything was given back', () => {
    const driver = settled()
    const { config = configObject() } = driver.state.observed ?? {}
    driver.observe({
      config: { ...config, metadata: { ...config.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    })
    expect(driver.all('patch-config')).toEqual([])

    driver.released()

    expect(driver.take('patch-config').patch).toMatchObject({ metadata: { finalizers: [] } })
  })

  test('an object that is found deleted gives back also what its status does not say yet', () => {
    const driver = new VmDriver()

    driver.observe({
      vm: undefined,
      config: configObject({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    })

    expect(driver.take('release').request.macAddress).toBe(TEST_MAC)
  })

  test('what another object wants too is not told as given back', () => {
    const driver = settled()
    driver.observe({
      config: driver.state.observed?.config,
      vm: vmObject({ 'nic-1': { mac: TEST_MAC, state: 'absent' } }),
    })
    driver.written()
    driver.effects = driver.effects.filter(({ type }) => type !== 'publish')

    driver.released({ outcome: 'still-wanted' })

    expect(driver.all('publish')).toEqual([])
  })

  test('with neither VM nor object there is nothing to do', () => {
    const driver = new VmDriver()

    driver.observe({ vm: undefined, config: undefined })

    expect(driver.effects).toEqual([{ type: 'finish' }])
  })
})

test('an entry that cannot be read is told what is wrong with it', () => {
  const driver = new VmDriver()

  driver.observe({
    vm: undefined,
    config: configObject({
      metadata: { ownerReferences: [] },
      networks: [{ macAddress: TEST_MAC, networkName: 'a/b/c' }],
    }),
  })
  driver.written()

  expect(conditionOf(driver, 'Allocated')).toMatchObject({
    status: 'False',
    message: `${TEST_MAC} on a/b/c: "a/b/c" is not a namespaced name such as default/net-48`,
  })
})

test('a write that failed is decided anew on what is observed then, after a while', () => {
  const driver = new VmDriver()
  driver.observe()
  driver.grant('192.168.48.84')
  driver.take('write-status')

  driver.tell({ type: 'write-failed', reason: '409' })
  expect(driver.all('observe')).toHaveLength(1)
  driver.tell({
    type: 'observed',
    observed: observed({ config: configObject({ metadata: { resourceVersion: '7' } }) }),
  })
  driver.pass(400)

  expect(driver.take('write-status').patch).toMatchObject({ metadata: { resourceVersion: '7' } })
})

describe('an interface without a MAC address', () => {
  const waiting = vmObject({ 'nic-1': {} })

  test('is told of on the VM after ten seconds, once', () => {
    const driver = new VmDriver()
    driver.observe({ vm: waiting, config: undefined })
    driver.pass(9_000)
    expect(driver.events()).toEqual([])

    for (let round = 0; round < 5; round++) {
      driver.pass(2_000)
      driver.observe({ vm: waiting, config: undefined })
    }

    expect(driver.events()).toEqual([
      'vm: WaitingForMacAddress: an interface on default/net-48 waits for its MAC address: give it a macAddress, or start the VM',
    ])
    expect(driver.all('create-config')).toEqual([])
  })

  test('is not told of when the MAC address comes soon', () => {
    const driver = new VmDriver()
    driver.observe({ vm: waiting, config: undefined })
    driver.pass(3_000)

    driver.observe({ config: undefined })
    driver.pass(30_000)

    expect(driver.events()).toEqual([])
  })

  test('is not told of on a network that has no pool, nor while it keeps the address of its last run', () => {
    const elsewhere = new VmDriver()
    elsewhere.observe({ vm: waiting, config: undefined, pools: new Map() })
    elsewhere.pass(30_000)
    const stopped = settled()
    stopped.observe({ vm: waiting, config: stopped.state.observed?.config })
    stopped.pass(30_000)

    expect([...elsewhere.events(), ...stopped.events()]).toEqual([])
  })

  test('is told what is wrong with the one that it has', () => {
    const driver = new VmDriver()
    driver.observe({ vm: vmObject({ 'nic-1': { mac: 'nonsense' } }), config: undefined })
    driver.pass(10_000)

    expect(driver.events()).toEqual([
      expect.stringMatching(/^vm: WaitingForMacAddress: .*; interface nic-1: .*nonsense/),
    ])
  })
})

describe('a MAC address that is listed twice on one network', () => {
  const twice = (ipAddress?: string) =>
    configObject({
      networks: [
        { macAddress: TEST_MAC, networkName: NET_48 },
        {
          macAddress: TEST_MAC.toUpperCase(),
          networkName: NET_48,
          ...(ipAddress === undefined ? {} : { ipAddress }),
        },
      ],
      metadata: { ownerReferences: [] },
    })

  test('has one address, which both entries show', () => {
    const driver = new VmDriver()
    driver.observe({ vm: undefined, config: twice() })
    expect(driver.all('allocate')).toHaveLength(1)
    driver.grant('192.168.48.84')

    const { status } = driver.written()

    expect(status?.networkConfig).toEqual([allocated, allocated])
    expect(status?.addresses).toBe('192.168.48.84')
  })

  test('and the second entry is told so when it asks for another one', () => {
    const driver = new VmDriver()
    driver.observe({ vm: undefined, config: twice('192.168.48.85') })
    driver.grant('192.168.48.84')

    const { status } = driver.written()

    expect(status?.networkConfig).toEqual([
      allocated,
      {
        macAddress: TEST_MAC,
        networkName: NET_48,
        state: 'Pending',
        message: expect.stringMatching(/is listed twice on this network and has 192\.168\.48\.84/),
      },
    ])
    expect(conditionOf(driver, 'Allocated')).toMatchObject({ status: 'False', reason: 'Pending' })
  })
})

test('the addresses of all interfaces stand in one column', () => {
  const driver = new VmDriver()
  const networks = [
    { macAddress: TEST_MAC, networkName: NET_48 },
    { macAddress: '02:00:00:00:00:01', networkName: NET_49 },
  ]
  driver.observe({
    vm: undefined,
    config: configObject({ networks, metadata: { ownerReferences: [] } }),
    pools: BOTH,
  })
  driver.grant('192.168.48.84')
  driver.grant('192.168.49.10')

  expect(driver.written().status?.addresses).toBe('192.168.48.84,192.168.49.10')
})

test('an API server that has too much to do is left alone for as long as it asks', () => {
  const driver = new VmDriver()
  driver.observe()
  driver.grant('192.168.48.84')
  driver.take('write-status')

  driver.tell({ type: 'write-failed', reason: '429', retryAfter: seconds(20) })
  driver.pass(19_000)
  expect(driver.all('write-status')).toEqual([])
  driver.pass(1_000)

  expect(driver.all('write-status')).toHaveLength(1)
})

test('while a write that failed waits, so does what is due meanwhile: no wake follows the last one at once', () => {
  const driver = new VmDriver()
  driver.observe()
  driver.refuse('PoolExhausted')
  driver.tell({ type: 'write-failed', reason: '429' })

  driver.tell({ type: 'nudge', scope: 'waiting' })
  driver.pass(100)

  expect(driver.all('wake').map(({ after }) => after)).not.toContain(0)
})

test('an object whose end the watch told before the answer to its last write came is made again for its VM', () => {
  const driver = settled()
  const leaving = configObject({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })
  driver.observe({ config: leaving })
  driver.released()
  const { patch } = driver.take('patch-config')
  expect(patch).toMatchObject({ metadata: { finalizers: [] } })

  driver.observe({ config: undefined })
  driver.tell({ type: 'written', config: { ...leaving, metadata: { ...leaving.metadata, finalizers: [] } } })

  expect(driver.all('create-config')).toHaveLength(1)
})

test('what the watch told before an older write was answered counts', () => {
  const driver = new VmDriver()
  driver.observe()
  driver.grant('192.168.48.84')
  const { patch } = driver.take('write-status')
  expect(patch).toBeDefined()
  const config = (resourceVersion: string, paused: boolean) => {
    const object = configObject({ metadata: { resourceVersion } })
    return { ...object, spec: { ...object.spec, paused } }
  }

  driver.observe({ config: config('9', true) })
  driver.tell({ type: 'written', config: config('8', false) })

  expect(driver.all('release')).toHaveLength(1)
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { seconds } from '../../src/api/values/time.ts'
import { networkStatuses } from '../../src/api/vm-network-config.ts'
import { acquireLease } from '../../src/lab/small-client.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { createLocalTransport, type LocalTransport } from '../../transports/messages/local.ts'
import type { MemorySegment } from '../../transports/packets/memory.ts'
import { eventually, openWorld, RESOURCES, vm, type World } from '../processes/controller/world.ts'
import { leave, oldAddOnWritesConfig, oldAddOnWritesPool } from './old-add-on.ts'

const { pools, networks, vms, configs } = RESOURCES
const MAC = 'ca:70:82:e6:84:6e'
const log = pino({ level: 'silent' })

async function given(fixture: string, change?: (text: string) => string): Promise<World> {
  let bus: LocalTransport | undefined
  const world = await openWorld(() => {
    if (bus?.connected() !== true) bus = createLocalTransport({ clock: systemClock, log })
    return bus
  })
  await leave(world, fixture, change)
  return world
}

async function addressOf(world: World, name: string): Promise<string | undefined> {
  const [entry] = networkStatuses(await world.config(name))
  expect(entry?.state).toBe('Allocated')
  return entry?.allocatedIPAddress
}

async function leasesIn(world: World): Promise<Record<string, string>> {
  const { allocated = {} } = (await world.pool()).status?.ipv4 ?? {}
  return Object.fromEntries(Object.entries(allocated).filter(([, text]) => /[:-]/.test(text)))
}

async function leased(segment: MemorySegment, mac: string, timeout = 5): Promise<string> {
  const transport = segment.attach({ port: 68, log })
  try {
    const parts = { transport, clock: systemClock, random: systemRandom }
    const lease = await acquireLease({ ...parts, mac: parseMacAddress(mac), timeout: seconds(timeout) })
    return formatIPv4Address(lease.address)
  } finally {
    await transport.close()
  }
}

/** The actors have looked at everything: the status follows the spec, and nothing is left to be written. */
const settled = (world: World) =>
  eventually(async () => {
    const { metadata, status } = await world.pool()
    expect(status?.observedGeneration).toBe(metadata.generation)
    const { items } = await world.store.list(configs)
    for (const { metadata } of items) {
      const { status } = await world.config(metadata.name)
      expect(status?.conditions?.map(({ type }) => type).sort()).toEqual([
        'Allocated',
        'Disabled',
        'InSynced',
      ])
    }
  })

describe('objects of the old add-on', () => {
  test('every VM keeps its address, whatever the spelling, and the counts are right', async () => {
    const world = await given('plural')
    const { segment } = await world.startAgent('default/net-48')
    await world.startController()
    await settled(world)

    expect(await addressOf(world, 'lower')).toBe('192.168.48.84')
    expect(await addressOf(world, 'upper')).toBe('192.168.48.86')
    expect(await addressOf(world, 'by-hand')).toBe('192.168.48.88')
    const { status, metadata } = await world.pool()
    expect(status?.ipv4).toMatchObject({
      allocated: {
        '192.168.48.81': 'EXCLUDED',
        '192.168.48.84': 'ca:70:82:e6:84:6e',
        '192.168.48.85': 'RESERVED',
        '192.168.48.86': 'ca:70:82:e6:84:6f',
        '192.168.48.88': 'ca:70:82:e6:84:70',
        '192.168.48.90': 'EXCLUDED',
        // Nobody asks for it any more; until that is certain it stays.
        '192.168.48.97': 'ca:70:82:e6:84:71',
      },
      used: 4,
      available: 12,
    })
    expect(Object.keys(status?.ipv4?.allocated ?? {})).toHaveLength(7)
    expect(metadata.finalizers).toEqual(['wrangler.cattle.io/vm-dhcp-ippool-controller'])
    expect(metadata.annotations).toEqual({ 'network.harvesterhci.io/hold-ippool-agent-upgrade': 'true' })
    for (const mac of ['ca:70:82:e6:84:6e', 'ca:70:82:e6:84:6f', 'ca:70:82:e6:84:70']) {
      expect((await leasesIn(world))[await leased(segment, mac)]).toBe(mac)
    }
  })

  test('a paused object holds nothing, and gets an address once it is unpaused', async () => {
    const world = await given('plural')
    await world.startController()
    await settled(world)
    const { status } = await world.config('paused')
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Disabled', status: 'True' }))
    expect(Object.keys(await leasesIn(world))).not.toContain('192.168.48.92')

    await world.patch(configs, 'paused', { spec: { paused: false } })

    await eventually(async () => expect(await addressOf(world, 'paused')).toMatch(/^192\.168\.48\./))
  })

  test('a mark at an address that is excluded no more goes, and the address can be had', async () => {
    const world = await given('plural')
    await world.startController()
    await settled(world)

    await world.create(
      vms,
      vm('new', { nic: { mac: '02:00:00:00:00:01' } }, { 'static-ip.harvesterhci.io/nic': '192.168.48.83' }),
    )

    await eventually(async () => expect(await addressOf(world, 'new')).toBe('192.168.48.83'))
  })

  test('a deleted VM gives its address back: its finalizers are ours to take off', async () => {
    const world = await given('plural')
    await world.startController()
    await settled(world)

    await world.remove(vms, 'lower')

    await eventually(async () => {
      expect(await world.exists(configs, 'lower')).toBe(false)
      expect(Object.values(await leasesIn(world))).not.toContain(MAC)
    })
  })

  test('the documentation’s objects stay as they are: only what is ours is added', async () => {
    const world = await given('singular')
    const before = { pool: await world.pool(), config: await world.config('test-vm') }
    await world.startController()
    await settled(world)

    const after = { pool: await world.pool(), config: await world.config('test-vm') }
    expect(after.pool.spec).toEqual(before.pool.spec)
    expect(after.pool.status?.ipv4).toMatchObject(before.pool.status?.ipv4 ?? {})
    expect(after.config.spec).toEqual(before.config.spec)
    expect(after.config.status?.networkConfig).toEqual(before.config.status?.networkConfig)
    // What the old add-on said of the registration holds until the pool has looked for itself.
    await eventually(async () => {
      const definition = await world.store.get(networks, { namespace: 'default', name: 'net-48' })
      expect(definition.metadata.labels).toMatchObject({ 'network.harvesterhci.io/ippool-name': 'net-48' })
    })
  })

  test.each<[string, (text: string) => string, Record<string, number>, boolean]>([
    [
      'a range that begins after its end',
      (text) => text.replace('start: 192.168.48.81', 'start: 192.168.48.99'),
      { used: 0, available: 0 },
      true,
    ],
    [
      'a range that takes in network and broadcast address',
      (text) =>
        text
          .replace('start: 192.168.48.81', 'start: 192.168.48.0')
          .replace('end: 192.168.48.90', 'end: 192.168.48.255'),
      { used: 1, available: 249 },
      true,
    ],
    [
      'a server address outside the subnet',
      (text) => text.replace('serverIP: 192.168.48.77', 'serverIP: 10.0.0.1'),
      { used: 1, available: 7 },
      false,
    ],
    [
      'a router that is the server itself',
      (text) => text.replace('router: 192.168.48.1', 'router: 192.168.48.77'),
      { used: 1, available: 7 },
      false,
    ],
  ])(
    '%s: what is allocated is kept, and the pool says what is wrong',
    async (_, change, counts, isServed) => {
      const world = await given('singular', change)
      const { segment } = await world.startAgent('default/net-48')
      await world.startController()
      await settled(world)

      expect(await addressOf(world, 'test-vm')).toBe('192.168.48.84')
      const { status } = await world.pool()
      expect(status?.ipv4).toMatchObject({ allocated: { '192.168.48.84': MAC }, ...counts })
      expect(status?.conditions).toContainEqual(
        expect.objectContaining({ type: 'CacheReady', status: 'False', reason: 'InvalidSpec' }),
      )
      await world.create(vms, vm('new', { nic: { mac: '02:00:00:00:00:01' } }))
      await eventually(async () => {
        const [entry] = networkStatuses(await world.config('new'))
        expect(entry?.message).toMatch(/the IPPool's spec is invalid/)
      })
      if (isServed) expect(await leased(segment, MAC)).toBe('192.168.48.84')

      await world.remove(vms, 'test-vm')
      await eventually(async () => expect(await leasesIn(world)).toEqual({}))
    },
  )

  test('a spec that is edited into nonsense while no controller runs is served as it was, where that is known', async () => {
    const world = await given('singular')
    const { segment } = await world.startAgent('default/net-48')
    const first = await world.startController()
    await settled(world)
    await world.patch(pools, 'net-48', { spec: { ipv4Config: { serverIP: '10.0.0.1' } } })
    await eventually(async () => expect((await world.pool()).status?.servedSpec).toBeDefined())
    await first.end()
    await world.startController()
    await world.create(vms, vm('new', { nic: { mac: '02:00:00:00:00:01' } }))
    await eventually(async () =>
      expect(networkStatuses(await world.config('new'))[0]?.message).toMatch(/spec is invalid/),
    )

    expect(await leased(segment, MAC)).toBe('192.168.48.84')
    expect(await addressOf(world, 'test-vm')).toBe('192.168.48.84')
    expect((await world.pool()).status?.ipv4).toMatchObject({ used: 1, available: 7 })
  })
})

describe('the way back and forth', () => {
  test('the old add-on drops what it does not know; on return no VM changes its address and every agent catches up', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'mdhcp-takeover-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const world = await given('singular')
    const stays = await world.startAgent('default/net-48')
    const leaves = await world.startAgent('default/net-48', directory)
    const first = await world.startController()
    await settled(world)
    for (const index of [1, 2, 3]) {
      await world.create(vms, vm(`vm-${index}`, { nic: { mac: `02:00:00:00:00:0${index}` } }))
      await eventually(() => addressOf(world, `vm-${index}`))
    }
    const before = await leasesIn(world)
    const revision = (await world.pool()).status?.ipv4?.revision ?? 0
    expect(await leased(leaves.segment, '02:00:00:00:00:03')).toBeTruthy()
    await leaves.end()
    await first.end()

    // The old add-on's turn: it writes every object, gives one address, and knows nothing of revisions.
    await oldAddOnWritesPool(world, (allocated) => {
      allocated['192.168.48.89'] = '02:00:00:00:00:09'
    })
    for (const name of ['test-vm', 'vm-1', 'vm-2', 'vm-3']) await oldAddOnWritesConfig(world, name)
    expect((await world.pool()).status?.ipv4?.revision).toBeUndefined()
    await world.create(configs, {
      metadata: { name: 'meanwhile', namespace: 'default' },
      spec: {
        vmName: 'meanwhile',
        networkConfigs: [{ macAddress: '02:00:00:00:00:09', networkName: 'default/net-48' }],
      },
    })
    // An agent that was left running believes the API, although the counter fell.
    await eventually(async () =>
      expect(await leased(stays.segment, '02:00:00:00:00:09', 0.5)).toBe('192.168.48.89'),
    )

    const returned = await world.startAgent('default/net-48', directory)
    await world.startController()
    await settled(world)

    expect(await leasesIn(world)).toEqual({ ...before, '192.168.48.89': '02:00:00:00:00:09' })
    expect((await world.pool()).status?.ipv4?.revision).toBeGreaterThan(revision)
    await world.create(vms, vm('new', { nic: { mac: '02:00:00:00:00:0a' } }))
    const address = await eventually(() => addressOf(world, 'new'))
    for (const { segment } of [stays, returned]) {
      await eventually(async () => {
        expect(await leased(segment, '02:00:00:00:00:0a', 0.5)).toBe(address)
        expect(await leased(segment, '02:00:00:00:00:09', 0.5)).toBe('192.168.48.89')
        expect(await leased(segment, MAC, 0.5)).toBe('192.168.48.84')
      })
    }
    const { status } = await world.pool()
    expect((status?.ipv4?.used ?? 0) + (status?.ipv4?.available ?? 0)).toBe(8)
  }, 30_000)
})

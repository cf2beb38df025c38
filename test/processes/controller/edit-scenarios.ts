import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { IPPool } from '../../../src/api/ippool.ts'
import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import type { EventRecorder } from '../../../src/kube/event-recorder.ts'
import { acquireLease } from '../../../src/lab/small-client.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import type { MemorySegment } from '../../../transports/packets/memory.ts'
import {
  eventually,
  network,
  type OpenTransport,
  openWorld,
  pool,
  RESOURCES,
  vm,
  type World,
} from './world.ts'

const { pools, networks, vms, configs } = RESOURCES
const MAC = 'ca:70:82:e6:84:6e'
const macOf = (index: number) => `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`
const pin = (address: string) => ({ 'static-ip.harvesterhci.io/nic': address })

/** Pools that people edit while VMs use them: nothing is restarted, and the next DHCP reply says what the pool says. */
export function describePoolEdits(name: string, openTransport: OpenTransport): void {
  interface Setting {
    world: World
    segment: MemorySegment
    told: { reason: string; message: string }[]
  }

  /** A pool with its agent, and VMs that have the addresses that they are pinned to. */
  async function given(addresses: Record<string, string> = {}): Promise<Setting> {
    const world = await openWorld(openTransport)
    await world.create(networks, network())
    await world.create(pools, pool())
    const told: Setting['told'] = []
    const record: EventRecorder['record'] = ({ resource }, { reason, message }) => {
      if (resource === pools) told.push({ reason, message })
    }
    await world.startController(record)
    const { segment } = await world.startAgent('default/net-48')
    for (const [index, [vmName, address]] of Object.entries(addresses).entries()) {
      await world.create(vms, vm(vmName, { nic: { mac: macOf(index) } }, pin(address)))
      await eventually(async () => expect(await addressOf(world, vmName)).toBe(address))
    }
    return { world, segment, told }
  }

  const addressOf = async (world: World, vmName: string) => {
    const { status } = await world.config(vmName)
    const [entry] = status?.networkConfig ?? []
    expect(entry?.state).toBe('Allocated')
    return entry?.allocatedIPAddress
  }
  const edit = (world: World, ipv4Config: Record<string, unknown>) =>
    world.patch(pools, 'net-48', { spec: { ipv4Config } })
  const editRange = (world: World, start: string, end: string, exclude: string[] = []) =>
    edit(world, { pool: { start, end, exclude } })
  const condition = ({ status }: IPPool, type: string) =>
    status?.conditions?.find((candidate) => candidate.type === type)
  /** The status follows the spec, with these counts. */
  const counted = (world: World, used: number, available: number) =>
    eventually(async () => {
      const ippool = await world.pool()
      expect(ippool.status?.observedGeneration).toBe(ippool.metadata.generation)
      expect(ippool.status?.ipv4).toMatchObject({ used, available })
      return ippool
    })

  async function lease({ segment }: Setting, mac: string, timeout = 5) {
    const transport = segment.attach({ port: 68, log: pino({ level: 'silent' }) })
    try {
      const given = await acquireLease({
        transport,
        mac: parseMacAddress(mac),
        clock: systemClock,
        random: systemRandom,
        timeout: seconds(timeout),
      })
      const text = (address: IPv4Address | undefined) =>
        address === undefined ? undefined : formatIPv4Address(address)
      return {
        address: text(given.address),
        mask: text(given.subnetMask),
        routers: given.routers.map(formatIPv4Address),
        dns: given.dnsServers.map(formatIPv4Address),
        ntp: given.ntpServers.map(formatIPv4Address),
        domainName: given.domainName,
        domainSearch: given.domainSearch,
        leaseSeconds: given.leaseSeconds,
        server: text(given.serverIdentifier),
      }
    } finally {
      await transport.close()
    }
  }

  describe(`a pool that is edited while it is in use, on ${name}`, () => {
    test('it grows at both ends, and who found it exhausted gets an address', async () => {
      const setting = await given({ a: '192.168.48.82' })
      const { world } = setting
      await editRange(world, '192.168.48.82', '192.168.48.82')
      await counted(world, 1, 0)
      await world.create(vms, vm('b', { nic: { mac: MAC } }))
      await eventually(async () => {
        const { status } = await world.config('b')
        expect(status?.networkConfig?.[0]?.message).toMatch(/no free address: 1 of 1 held/)
      })

      await editRange(world, '192.168.48.81', '192.168.48.83')

      await eventually(async () => expect(await addressOf(world, 'b')).toBe('192.168.48.81'))
      await counted(world, 2, 1)
      expect(await lease(setting, MAC)).toMatchObject({ address: '192.168.48.81' })
    })

    test('it shrinks where nobody is, and says nothing of it', async () => {
      const { world, told } = await given({ a: '192.168.48.83' })

      await editRange(world, '192.168.48.82', '192.168.48.84')

      const ippool = await counted(world, 1, 2)
      expect(Object.keys(ippool.status?.ipv4?.allocated ?? {})).toEqual(['192.168.48.83'])
      expect(condition(ippool, 'LeasesOutsideRange')).toBeUndefined()
      // Events follow the status that they are about, in its order: whoever has this one would have had that one.
      await world.create(vms, vm('b', { nic: { mac: MAC } }))
      await eventually(async () => expect(await addressOf(world, 'b')).toBe('192.168.48.82'))
      expect(told).toEqual([])
    })

    test.each([
      [
        'it shrinks past an address that is held',
        { start: '192.168.48.82', end: '192.168.48.85', exclude: [] },
        4,
      ],
      [
        'it excludes an address that is held',
        { start: '192.168.48.82', end: '192.168.48.89', exclude: ['192.168.48.88'] },
        7,
      ],
    ])(
      '%s: its holder keeps it and is served, and the pool says so until it is given up',
      async (_, range, capacity) => {
        const setting = await given({ a: '192.168.48.88' })
        const { world, told } = setting

        await edit(world, { pool: range })

        const ippool = await counted(world, 0, capacity)
        expect(ippool.status?.ipv4?.allocated?.['192.168.48.88']).toBe(macOf(0))
        expect(condition(ippool, 'LeasesOutsideRange')).toMatchObject({
          status: 'True',
          message: expect.stringMatching(
            /192\.168\.48\.88 \(02:00:00:00:00:00\); to give a VM another address, set/,
          ),
        })
        await eventually(async () =>
          expect(told).toEqual([
            { reason: 'HeldOutsideRange', message: expect.stringContaining('192.168.48.88 (default/a)') },
          ]),
        )
        expect(await lease(setting, macOf(0))).toMatchObject({ address: '192.168.48.88' })
        expect(await addressOf(world, 'a')).toBe('192.168.48.88')

        await world.remove(vms, 'a')

        await eventually(async () => {
          const after = await world.pool()
          expect(condition(after, 'LeasesOutsideRange')).toBeUndefined()
          expect(Object.values(after.status?.ipv4?.allocated ?? {})).not.toContain(macOf(0))
        })
        await counted(world, 0, capacity)
      },
    )

    test('a VM outside the range gets another address when its object is paused and unpaused', async () => {
      const { world } = await given()
      await world.create(vms, vm('a', { nic: { mac: MAC } }))
      await eventually(async () => expect(await addressOf(world, 'a')).toBe('192.168.48.82'))
      await editRange(world, '192.168.48.86', '192.168.48.89')
      await counted(world, 0, 4)

      await world.patch(configs, 'a', { spec: { paused: true } })
      await eventually(async () => expect((await world.pool()).status?.ipv4?.resting).toBeDefined())
      await world.patch(configs, 'a', { spec: { paused: false } })

      await eventually(async () => expect(await addressOf(world, 'a')).toBe('192.168.48.86'))
      await counted(world, 1, 3)
    })

    test('it excludes fewer addresses: they can be had', async () => {
      const { world } = await given({ a: '192.168.48.82' })
      await editRange(world, '192.168.48.81', '192.168.48.90')
      await counted(world, 1, 9)

      await world.create(vms, vm('b', { nic: { mac: MAC } }, pin('192.168.48.90')))

      await eventually(async () => expect(await addressOf(world, 'b')).toBe('192.168.48.90'))
      await counted(world, 2, 8)
    })

    test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
      ['dns', { dns: ['9.9.9.9', '8.8.8.8'] }, { dns: ['9.9.9.9', '8.8.8.8'] }],
      ['router', { router: '192.168.48.2' }, { routers: ['192.168.48.2'] }],
      ['no router', { router: null }, { routers: [] }],
      ['domain name', { domainName: 'example.com' }, { domainName: 'example.com' }],
      [
        'domain search',
        { domainSearch: ['a.example', 'b.example'] },
        { domainSearch: ['a.example', 'b.example'] },
      ],
      [
        'ntp, by address and by name',
        { ntp: ['10.1.1.1', 'pool.ntp.org'] },
        { ntp: ['10.1.1.1', '162.159.200.1'] },
      ],
      ['a longer lease', { leaseTime: 7200 }, { leaseSeconds: 7200 }],
      ['a shorter lease', { leaseTime: 60 }, { leaseSeconds: 60 }],
      ['server address', { serverIP: '192.168.48.78' }, { server: '192.168.48.78' }],
      ['a wider subnet', { cidr: '192.168.48.0/23' }, { mask: '255.255.254.0' }],
    ])(
      '%s: the next reply says so, the address stays, and the revision moves',
      async (_, change, expected) => {
        const setting = await given({ a: '192.168.48.84' })
        const { world } = setting
        const before = (await world.pool()).status?.ipv4?.revision ?? 0

        await edit(world, change)

        await eventually(async () =>
          expect(await lease(setting, macOf(0), 1)).toMatchObject({ address: '192.168.48.84', ...expected }),
        )
        const { ipv4 } = (await counted(world, 1, 7)).status ?? {}
        expect(ipv4?.revision).toBeGreaterThan(before)
      },
    )

    test('a subnet that moved: new VMs are in the new one, and who is in the old one is named', async () => {
      const setting = await given({ a: '192.168.48.84' })
      const { world } = setting

      await edit(world, {
        cidr: '10.9.0.0/24',
        serverIP: '10.9.0.2',
        router: '10.9.0.1',
        pool: { start: '10.9.0.10', end: '10.9.0.19', exclude: null },
      })
      await world.create(vms, vm('b', { nic: { mac: MAC } }))

      await eventually(async () => expect(await addressOf(world, 'b')).toBe('10.9.0.10'))
      const ippool = await counted(world, 1, 9)
      expect(condition(ippool, 'LeasesOutsideRange')?.message).toMatch(/192\.168\.48\.84/)
      expect(await lease(setting, MAC)).toMatchObject({ address: '10.9.0.10', server: '10.9.0.2' })
    })

    test('a lease time made shorter lets addresses rest for as long as they were given for', async () => {
      const { world } = await given({ a: '192.168.48.84' })
      await edit(world, { leaseTime: 10 })
      await counted(world, 1, 7)

      const before = Date.now()
      await world.patch(configs, 'a', { spec: { paused: true } })

      await eventually(async () => {
        const { until = '' } = (await world.pool()).status?.ipv4?.resting?.['192.168.48.84'] ?? {}
        expect(Date.parse(until) - before).toBeGreaterThan(250_000)
      })
    })

    test('another network: the labels move, VMs there get addresses, and those that stayed behind give theirs up', async () => {
      const { world } = await given({ stays: '192.168.48.84' })
      await world.create(networks, network('net-49'))
      await world.create(vms, vm('waits', { nic: { mac: MAC, network: 'net-49' } }))

      await world.patch(pools, 'net-48', { spec: { networkName: 'default/net-49' } })

      await eventually(async () => {
        const [before, after] = await Promise.all(
          ['net-48', 'net-49'].map((each) => world.store.get(networks, { namespace: 'default', name: each })),
        )
        expect(before?.metadata.labels ?? {}).toEqual({})
        expect(after?.metadata.labels).toEqual({
          'network.harvesterhci.io/ippool-namespace': 'default',
          'network.harvesterhci.io/ippool-name': 'net-48',
        })
        expect(await addressOf(world, 'waits')).toMatch(/^192\.168\.48\.8\d$/)
        const { allocated = {}, resting } = (await world.pool()).status?.ipv4 ?? {}
        expect(Object.values(allocated).filter((mac) => mac.includes(':'))).toEqual([MAC])
        expect(resting?.['192.168.48.84']?.macAddress).toBe(macOf(0))
      })
      // Told by an actor of its own, after the pool's status.
      await eventually(async () => {
        const { status } = await world.config('stays')
        expect(status?.networkConfig?.[0]).toMatchObject({
          state: 'Pending',
          message: expect.stringMatching(/no IPPool serves the network default\/net-48/),
        })
      })
      await counted(world, 1, 7)
    })

    test('moved to a network that another pool serves, it gives nothing there', async () => {
      const { world } = await given()
      await world.create(networks, network('net-49'))
      const other = pool('net-49', { pool: { start: '192.168.48.150', end: '192.168.48.159' } })
      await world.create(pools, {
        ...other,
        spec: { ...(other.spec as object), networkName: 'default/net-49' },
      })
      await eventually(async () => expect((await world.pool('net-49')).status?.ipv4?.available).toBe(10))

      await world.patch(pools, 'net-48', { spec: { networkName: 'default/net-49' } })
      await eventually(async () =>
        expect(condition(await world.pool(), 'Registered')).toMatchObject({ reason: 'NetworkInUse' }),
      )
      await world.create(vms, vm('a', { nic: { mac: MAC, network: 'net-49' } }))

      await eventually(async () => expect(await addressOf(world, 'a')).toBe('192.168.48.150'))
      await counted(world, 0, 8)
    })

    test('paused, it answers nobody and keeps every lease; unpaused, it answers as before', async () => {
      const setting = await given({ a: '192.168.48.84' })
      const { world } = setting

      await world.patch(pools, 'net-48', { spec: { paused: true } })
      await eventually(async () => {
        expect(condition(await world.pool(), 'Stopped')?.status).toBe('True')
        await expect(lease(setting, macOf(0), 0.2)).rejects.toThrow(/no DHCPOFFER/)
      })
      const paused = await counted(world, 1, 7)
      expect(paused.status?.ipv4?.allocated?.['192.168.48.84']).toBe(macOf(0))

      await world.patch(pools, 'net-48', { spec: { paused: false } })
      await eventually(async () =>
        expect(await lease(setting, macOf(0), 1)).toMatchObject({ address: '192.168.48.84' }),
      )
    })

    test('an edit that makes no sense takes nothing away: the last valid spec is served, and releases work', async () => {
      const setting = await given({ a: '192.168.48.84', b: '192.168.48.85' })
      const { world } = setting

      await edit(world, { serverIP: '10.0.0.1', dns: ['9.9.9.9'] })

      const ippool = await counted(world, 2, 6)
      expect(condition(ippool, 'CacheReady')).toMatchObject({
        status: 'False',
        reason: 'InvalidSpec',
        message: expect.stringMatching(
          /10\.0\.0\.1 is outside .*; until it is put right the last valid spec is served/,
        ),
      })
      expect(await lease(setting, macOf(0))).toMatchObject({
        address: '192.168.48.84',
        server: '192.168.48.77',
        dns: ['1.1.1.1'],
      })
      await world.remove(vms, 'b')
      await counted(world, 1, 7)
      await world.create(vms, vm('late', { nic: { mac: MAC } }))
      await eventually(async () => {
        const { status } = await world.config('late')
        expect(status?.networkConfig?.[0]?.message).toMatch(/the IPPool's spec is invalid/)
      })

      await edit(world, { serverIP: '192.168.48.77' })

      await eventually(async () => expect(await addressOf(world, 'late')).toBeTruthy())
      const corrected = await counted(world, 2, 6)
      expect(condition(corrected, 'CacheReady')?.status).toBe('True')
      expect(corrected.status?.servedSpec).toBeUndefined()
      await eventually(async () =>
        expect(await lease(setting, macOf(0), 1)).toMatchObject({ dns: ['9.9.9.9'] }),
      )
    })

    test('in use and deleted, it names who stands in the way', async () => {
      const { world, told } = await given({ a: '192.168.48.84', b: '192.168.48.85' })

      await world.remove(pools, 'net-48')

      await eventually(async () =>
        expect(condition(await world.pool(), 'DeletionBlocked')?.message).toMatch(
          /192\.168\.48\.84 \(02:00:00:00:00:00\), 192\.168\.48\.85/,
        ),
      )
      await eventually(async () =>
        expect(told).toEqual([
          {
            reason: 'AddressesInUse',
            message: expect.stringMatching(
              /192\.168\.48\.84 \(default\/a\), 192\.168\.48\.85 \(default\/b\); delete/,
            ),
          },
        ]),
      )
      await world.remove(vms, 'a')
      await world.remove(vms, 'b')
      await eventually(async () => expect(await world.exists(pools, 'net-48')).toBe(false))
    })

    test('that it fills up is told at 90 % and at the end', async () => {
      const { world, told } = await given()
      await editRange(world, '192.168.48.101', '192.168.48.110')
      await counted(world, 0, 10)

      for (let index = 0; index < 11; index++) {
        await world.create(vms, vm(`vm-${index}`, { nic: { mac: macOf(index) } }))
        await counted(world, Math.min(index + 1, 10), Math.max(9 - index, 0))
      }

      await eventually(async () =>
        expect(told.map(({ reason }) => reason)).toEqual(['PoolNearlyExhausted', 'PoolExhausted']),
      )
    })
  })
}

import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { poolCommands } from '../../../actors/pool/contracts.ts'
import { ipPoolSchema } from '../../../src/api/ippool.ts'
import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { UnavailableError } from '../../../src/kube/errors.ts'
import { acquireLease } from '../../../src/lab/small-client.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { requestCommand } from '../../../transports/messages/contract.ts'
import { commandSubject } from '../../../transports/messages/subjects.ts'
import {
  eventually,
  network,
  type OpenTransport,
  openWorld,
  pool,
  RESOURCES,
  vm,
  vmSpec,
  type World,
} from './world.ts'

const { pools, networks, vms, configs } = RESOURCES
const MAC = 'ca:70:82:e6:84:6e'
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const condition = (type: string, status: string) => ({ type, status, lastUpdateTime: TIME })
const macOf = (index: number) => `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`

/** What the controller does for the objects that people make, over any message bus. */
export function describeController(name: string, openTransport: OpenTransport): void {
  async function given(...objects: ['pool' | 'network' | 'vm', ReturnType<typeof pool>][]): Promise<World> {
    const world = await openWorld(openTransport)
    const resources = { pool: pools, network: networks, vm: vms }
    for (const [kind, object] of objects) await world.create(resources[kind], object)
    return world
  }

  const addressOf = async (world: World, vmName: string) => {
    const { status } = await world.config(vmName)
    const [entry] = [...(status?.networkConfig ?? []), ...(status?.networkConfigs ?? [])]
    expect(entry?.state).toBe('Allocated')
    return entry?.allocatedIPAddress ?? ''
  }
  const leasesIn = async (world: World, poolName?: string) => {
    const { allocated = {} } = (await world.pool(poolName)).status?.ipv4 ?? {}
    return Object.fromEntries(Object.entries(allocated).filter(([, mac]) => mac.includes(':')))
  }

  describe(`the controller on ${name}`, () => {
    test('an IPPool and a VM get the status that the documentation shows', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('test-vm', { 'nic-1': { mac: MAC } })],
      )
      await world.startController()
      await world.startAgent('default/net-48')

      const { address } = await eventually(async () => {
        const { status } = await world.pool()
        expect(status?.conditions?.find(({ type }) => type === 'AgentReady')?.status).toBe('True')
        return { address: await addressOf(world, 'test-vm') }
      })

      const ippool = await world.pool()
      expect(ippool.metadata.finalizers).toEqual(['wrangler.cattle.io/vm-dhcp-ippool-controller'])
      const { observedGeneration, ...documented } = ippool.status ?? {}
      const { revision, ...ipv4 } = documented.ipv4 ?? {}
      expect(observedGeneration).toBe(1)
      expect(revision).toBeGreaterThan(0)
      expect({ ...documented, ipv4 }).toEqual({
        agentPodRef: { name: 'default-net-48-agent', namespace: 'harvester-system' },
        conditions: [
          condition('Registered', 'True'),
          condition('CacheReady', 'True'),
          condition('AgentReady', 'True'),
          condition('Stopped', 'False'),
        ],
        ipv4: {
          allocated: { '192.168.48.81': 'EXCLUDED', [address]: MAC, '192.168.48.90': 'EXCLUDED' },
          available: 7,
          leaseTime: 300,
          used: 1,
        },
        lastUpdate: TIME,
      })

      const machine = await world.store.get(vms, { namespace: 'default', name: 'test-vm' })
      const { metadata, spec, status } = await world.config('test-vm')
      expect(metadata).toMatchObject({
        finalizers: ['wrangler.cattle.io/vm-dhcp-vmnetcfg-controller'],
        labels: { 'harvesterhci.io/vmName': 'test-vm' },
        ownerReferences: [
          {
            apiVersion: 'kubevirt.io/v1',
            kind: 'VirtualMachine',
            name: 'test-vm',
            uid: machine.metadata.uid,
          },
        ],
      })
      expect(spec).toEqual({
        networkConfig: [{ macAddress: MAC, networkName: 'default/net-48' }],
        vmName: 'test-vm',
      })
      expect(status).toEqual({
        addresses: address,
        conditions: [
          condition('Allocated', 'True'),
          condition('Disabled', 'False'),
          condition('InSynced', 'True'),
        ],
        networkConfig: [
          { allocatedIPAddress: address, macAddress: MAC, networkName: 'default/net-48', state: 'Allocated' },
        ],
      })
      const labelled = await world.store.get(networks, { namespace: 'default', name: 'net-48' })
      expect(labelled.metadata.labels).toEqual({
        'network.harvesterhci.io/ippool-namespace': 'default',
        'network.harvesterhci.io/ippool-name': 'net-48',
      })
    })

    test('a DHCP client gets the address that the status shows', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('test-vm', { 'nic-1': { mac: MAC } })],
      )
      await world.startController()
      const { segment } = await world.startAgent('default/net-48')
      const address = await eventually(() => addressOf(world, 'test-vm'))

      const transport = segment.attach({ port: 68, log: pino({ level: 'silent' }) })
      const lease = await acquireLease({
        transport,
        mac: parseMacAddress(MAC),
        clock: systemClock,
        random: systemRandom,
        timeout: seconds(15),
      })

      expect({ ...lease, address: formatIPv4Address(lease.address) }).toMatchObject({
        address,
        leaseSeconds: 300,
      })
    })

    test.each(['networkConfig', 'networkConfigs'] as const)(
      'a VirtualMachineNetworkConfig made by hand, spelled %s, is answered in its own spelling',
      async (spelling) => {
        const world = await given(['network', network()], ['pool', pool()])
        await world.startController()
        const pin = spelling === 'networkConfigs' ? { ipAddress: '192.168.48.85' } : {}

        await world.create(configs, {
          metadata: { name: 'by-hand', namespace: 'default' },
          spec: {
            [spelling]: [{ macAddress: '22:37:37:82:93:7D', networkName: 'default/net-48', ...pin }],
            vmName: 'by-hand',
          },
        })

        await eventually(async () => {
          const { status } = await world.config('by-hand')
          expect(status?.[spelling]).toEqual([
            {
              allocatedIPAddress: spelling === 'networkConfigs' ? '192.168.48.85' : '192.168.48.82',
              macAddress: '22:37:37:82:93:7d',
              networkName: 'default/net-48',
              state: 'Allocated',
            },
          ])
          expect(Object.keys(status ?? {}).sort()).toEqual(['addresses', 'conditions', spelling])
        })
      },
    )

    test('a VM that is deleted gives its address back, and its object goes with it', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('test-vm', { 'nic-1': { mac: MAC } })],
      )
      await world.startController()
      await eventually(() => addressOf(world, 'test-vm'))

      await world.remove(vms, 'test-vm')

      await eventually(async () => {
        expect(await world.exists(configs, 'test-vm')).toBe(false)
        expect((await world.pool()).status?.ipv4).toMatchObject({ used: 0, available: 8 })
        expect(await leasesIn(world)).toEqual({})
      })
    })

    test('who found the pool exhausted gets the next address that comes free', async () => {
      const world = await given(['network', network()], ['pool', pool()])
      await world.startController()
      for (let index = 0; index < 8; index++)
        await world.create(vms, vm(`vm-${index}`, { nic: { mac: macOf(index) } }))
      await eventually(async () => expect((await world.pool()).status?.ipv4?.available).toBe(0))
      await world.create(vms, vm('late', { nic: { mac: macOf(99) } }))
      await eventually(async () => {
        const { status } = await world.config('late')
        expect(status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'Allocated', status: 'False', reason: 'Pending' }),
        )
        expect(status?.networkConfig?.[0]?.message).toMatch(/no free address: 8 of 8 held/)
      })

      await world.remove(vms, 'vm-3')

      await eventually(async () => expect(await addressOf(world, 'late')).toMatch(/^192\.168\.48\.8\d$/))
    })

    test('a paused object gives its addresses back, to rest for it; unpaused it has them again', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('test-vm', { 'nic-1': { mac: MAC } })],
      )
      await world.startController()
      const address = await eventually(() => addressOf(world, 'test-vm'))

      await world.patch(configs, 'test-vm', { spec: { paused: true } })

      await eventually(async () => {
        const { status } = await world.config('test-vm')
        expect(status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'Disabled', status: 'True' }),
        )
        expect(await leasesIn(world)).toEqual({})
        const { resting } = (await world.pool()).status?.ipv4 ?? {}
        expect(resting).toEqual({ [address]: { macAddress: MAC, until: TIME } })
      })
      await world.patch(configs, 'test-vm', { spec: { paused: false } })
      await eventually(async () => {
        expect(await addressOf(world, 'test-vm')).toBe(address)
        const { ipv4 } = (await world.pool()).status ?? {}
        expect(ipv4?.resting).toBeUndefined()
      })
    })

    test('a NIC that moves to another network gives one address back and gets another', async () => {
      const other = pool('net-49', {
        serverIP: '192.168.49.2',
        cidr: '192.168.49.0/24',
        router: undefined,
        pool: { start: '192.168.49.10', end: '192.168.49.19' },
      })
      const world = await given(
        ['network', network()],
        ['network', network('net-49')],
        ['pool', pool()],
        ['pool', { ...other, spec: { ...(other.spec as object), networkName: 'net-49' } }],
        ['vm', vm('test-vm', { 'nic-1': { mac: MAC } })],
      )
      await world.startController()
      await eventually(() => addressOf(world, 'test-vm'))

      await world.patch(vms, 'test-vm', { spec: vmSpec({ 'nic-1': { mac: MAC, network: 'net-49' } }) })

      await eventually(async () => {
        expect(await addressOf(world, 'test-vm')).toBe('192.168.49.10')
        expect(await leasesIn(world)).toEqual({})
        expect(await leasesIn(world, 'net-49')).toEqual({ '192.168.49.10': MAC })
      })
    })

    test('a NIC that is unplugged gives its address back, the other keeps its own', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('test-vm', { a: { mac: MAC }, b: { mac: macOf(2) } })],
      )
      await world.startController()
      const before = await eventually(async () => {
        const leases = await leasesIn(world)
        expect(Object.values(leases).sort()).toEqual([macOf(2), MAC])
        return leases
      })

      const spec = vmSpec({ a: { mac: MAC }, b: { mac: macOf(2), state: 'absent' } })
      await world.patch(vms, 'test-vm', { spec })

      const kept = Object.fromEntries(Object.entries(before).filter(([, mac]) => mac === MAC))
      await eventually(async () => expect(await leasesIn(world)).toEqual(kept))
    })

    test('a pin that is taken away with its annotation lets the next one count', async () => {
      const pinned = { 'static-ip.harvesterhci.io/nic': '192.168.48.88' }
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('test-vm', { nic: { mac: MAC } }, pinned)],
      )
      await world.startController()
      await eventually(async () => expect(await addressOf(world, 'test-vm')).toBe('192.168.48.88'))

      await world.patch(vms, 'test-vm', {
        metadata: { annotations: { 'static-ip.harvesterhci.io/nic': null } },
      })
      await eventually(async () => {
        const { spec } = await world.config('test-vm')
        expect(spec.networkConfig).toEqual([{ macAddress: MAC, networkName: 'default/net-48' }])
      })
      expect(await addressOf(world, 'test-vm')).toBe('192.168.48.88')

      await world.patch(vms, 'test-vm', {
        metadata: { annotations: { 'static-ip.harvesterhci.io/nic': '192.168.48.89' } },
      })
      await eventually(async () => expect(await leasesIn(world)).toEqual({ '192.168.48.89': MAC }))
    })

    test('of two objects with one MAC the older has the address, also after a restart', async () => {
      const world = await given(['network', network()], ['pool', pool()])
      const byHand = (name: string) => ({
        metadata: { name, namespace: 'default' },
        spec: { networkConfig: [{ macAddress: MAC, networkName: 'default/net-48' }], vmName: name },
      })
      const first = await world.startController()
      await world.create(configs, byHand('b'))
      await eventually(() => addressOf(world, 'b'))
      // Creation times have whole seconds.
      const createdIn = (await world.config('b')).metadata.creationTimestamp
      await eventually(async () =>
        expect(new Date().toISOString().slice(0, 19)).not.toBe(createdIn?.slice(0, 19)),
      )
      await world.create(configs, byHand('a'))
      const isRefused = async () => {
        const { status } = await world.config('a')
        expect(status?.networkConfig?.[0]).toMatchObject({ state: 'Pending' })
        expect(status?.networkConfig?.[0]?.message).toMatch(/belongs to default\/b/)
      }
      await eventually(isRefused)

      await first.end()
      await world.startController()
      await world.patch(configs, 'a', { metadata: { annotations: { touched: 'yes' } } })
      await eventually(isRefused)
      expect(Object.values(await leasesIn(world))).toEqual([MAC])

      await world.remove(configs, 'b')
      await eventually(() => addressOf(world, 'a'), 45_000)
    }, 60_000)

    test('a controller that is started anew moves nothing, and writes each pool once', async () => {
      const world = await given(['network', network()], ['pool', pool()])
      const first = await world.startController()
      await world.startAgent('default/net-48')
      for (let index = 0; index < 5; index++)
        await world.create(vms, vm(`vm-${index}`, { nic: { mac: macOf(index) } }))
      const quiet = async () => {
        for (let index = 0; index < 5; index++) await addressOf(world, `vm-${index}`)
        const { status } = await world.pool()
        expect(status?.conditions?.filter(({ status }) => status === 'True')).toHaveLength(3)
      }
      await eventually(quiet)
      await first.end()
      const before = await Promise.all([world.store.list(pools), world.store.list(configs)])

      const written: string[] = []
      world.through((store) => ({
        ...store,
        patch(...args) {
          const [{ kind }, { name }] = args
          written.push(`${kind} ${name}`)
          return store.patch(...args)
        },
      }))
      await world.startController()
      // By which it overtakes whatever the one before may still have on its way.
      await eventually(async () => expect(written).toEqual(['IPPool net-48']))
      const bus = await world.bus()
      // Asked through the same mailbox as the VMs' requests, so everything before it was decided.
      await eventually(async () => {
        const reply = await bus.request(
          'mdhcp.cmd.pool.default.net-48.snapshot',
          { body: { v: 1, type: 'pool.snapshot', body: {} } },
          { timeout: seconds(2) },
        )
        expect(reply.body).toMatchObject({ body: { outcome: 'snapshot' } })
      })
      await world.create(vms, vm('one-more', { nic: { mac: macOf(77) } }))
      await eventually(() => addressOf(world, 'one-more'))

      const after = await world.store.list(configs)
      const others = after.items.filter(({ metadata }) => metadata.name !== 'one-more')
      expect(others).toEqual(before[1].items)
      const now = ipPoolSchema.parse((await world.store.list(pools)).items[0])
      const then = ipPoolSchema.parse(before[0].items[0])
      expect(now.status?.ipv4?.allocated).toMatchObject(then.status?.ipv4?.allocated ?? {})
      // The pool's one commit, and for the new object its status.
      expect(written.slice(1).sort()).toEqual(['IPPool net-48', 'VirtualMachineNetworkConfig one-more'])
    })

    test('a pool actor that crashes starts again from the truth', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool('net-48', { pool: { start: '192.168.48.200', end: '192.168.48.100' } })],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      let crashes = 0
      await world.startController(() => {
        if (crashes++ === 0) throw new Error('the actor ends here')
      })
      await eventually(async () => {
        const { status } = await world.pool()
        expect(status?.conditions).toContainEqual(expect.objectContaining({ reason: 'InvalidSpec' }))
      })

      await world.patch(pools, 'net-48', { spec: { ipv4Config: { pool: { end: '192.168.48.210' } } } })

      await eventually(async () =>
        expect(await leasesIn(world)).toEqual({ [await addressOf(world, 'vm-0')]: MAC }),
      )
      expect(crashes).toBeGreaterThan(1)
    })

    test('what a store answers that is no IPPool is no answer', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      let nonsense = 0
      world.through((store) => ({
        ...store,
        async patch(...args) {
          const object = await store.patch(...args)
          const isFirst = args[0] === pools && args[3] === 'status' && nonsense++ === 0
          return isFirst ? { metadata: { name: 'not the pool' } } : object
        },
      }))
      await world.startController()

      await eventually(async () =>
        expect(await leasesIn(world)).toEqual({ [await addressOf(world, 'vm-0')]: MAC }),
      )
      expect(nonsense).toBeGreaterThan(1)
    })

    test('a write that took effect without an answer gives nobody two addresses', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      let lost = 0
      world.through((store) => ({
        ...store,
        async patch(...args) {
          const object = await store.patch(...args)
          if (args[0] === pools && args[3] === 'status' && lost++ % 2 === 1)
            throw new UnavailableError(0, 'cut off')
          return object
        },
      }))
      await world.startController()
      await world.create(vms, vm('vm-1', { nic: { mac: macOf(1) } }))

      await eventually(async () => {
        const addresses = [await addressOf(world, 'vm-0'), await addressOf(world, 'vm-1')]
        expect(new Set(addresses).size).toBe(2)
        expect(Object.keys(await leasesIn(world)).sort()).toEqual(addresses.sort())
      })
      expect(lost).toBeGreaterThan(1)
    })

    test('a network that is made after its pool is registered then', async () => {
      const world = await given(['pool', pool()])
      await world.startController()
      const registered = async () => {
        const { status } = await world.pool()
        return status?.conditions?.find(({ type }) => type === 'Registered')
      }
      await eventually(async () =>
        expect(await registered()).toMatchObject({ status: 'False', reason: 'NetworkNotFound' }),
      )

      await world.create(networks, network())

      await eventually(async () => expect(await registered()).toMatchObject({ status: 'True' }))
    })

    test('a second pool on a network gives nothing until the first is gone', async () => {
      const world = await given(['network', network()], ['pool', pool()])
      await world.startController()
      await eventually(async () => expect((await world.pool()).status?.ipv4?.available).toBe(8))
      await world.create(pools, pool('second', { pool: { start: '192.168.48.150', end: '192.168.48.160' } }))
      await eventually(async () => {
        const { status } = await world.pool('second')
        expect(status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'Registered', status: 'False', reason: 'NetworkInUse' }),
        )
      })

      await world.remove(pools, 'net-48')
      await eventually(async () => expect(await world.exists(pools, 'net-48')).toBe(false))
      await world.create(vms, vm('vm-0', { nic: { mac: MAC } }))

      await eventually(
        async () => expect(await addressOf(world, 'vm-0')).toMatch(/^192\.168\.48\.1[56]/),
        70_000,
      )
    }, 80_000)

    test('a pool in use stays until its last address is given back', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      await world.startController()
      await eventually(() => addressOf(world, 'vm-0'))

      await world.remove(pools, 'net-48')
      await world.create(vms, vm('vm-1', { nic: { mac: macOf(1) } }))
      await eventually(async () => {
        const { status } = await world.config('vm-1')
        expect(status?.networkConfig?.[0]?.message).toMatch(/the IPPool is being deleted/)
      })
      expect(await addressOf(world, 'vm-0')).toBeTruthy()

      await world.remove(vms, 'vm-0')
      await eventually(async () => expect(await world.exists(pools, 'net-48')).toBe(false))
      const { metadata } = await world.store.get(networks, { namespace: 'default', name: 'net-48' })
      expect(metadata.labels ?? {}).toEqual({})
    })

    test('a pool whose finalizer was taken away and that is made anew gives every VM an address again', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      await world.startController()
      await eventually(() => addressOf(world, 'vm-0'))

      await world.patch(pools, 'net-48', { metadata: { finalizers: null } })
      await world.remove(pools, 'net-48')
      await eventually(async () => {
        if (await world.exists(pools, 'net-48')) {
          await world.patch(pools, 'net-48', { metadata: { finalizers: null } })
        }
        expect(await world.exists(pools, 'net-48')).toBe(false)
      })
      await world.create(pools, pool())

      await eventually(async () => {
        const address = await addressOf(world, 'vm-0')
        expect(await leasesIn(world)).toEqual({ [address]: MAC })
      })
    })

    test('a pool with an impossible network name harms nothing and can be deleted', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      const wrong = pool('wrong')
      await world.create(pools, {
        ...wrong,
        spec: { ...(wrong.spec as object), networkName: 'no such/name at/all' },
      })
      await world.startController()
      await eventually(() => addressOf(world, 'vm-0'))
      await eventually(async () => {
        const { status } = await world.pool('wrong')
        expect(status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'CacheReady', status: 'False', reason: 'InvalidSpec' }),
        )
      })

      await world.remove(pools, 'wrong')

      await eventually(async () => expect(await world.exists(pools, 'wrong')).toBe(false))
    })

    test('a pool with a name that no label can hold says so, gives nothing, and can be deleted', async () => {
      const name = `net-48-${'x'.repeat(57)}`
      const world = await given(['network', network()], ['vm', vm('vm-0', { nic: { mac: MAC } })])
      await world.create(pools, pool(name))
      await world.startController()

      await eventually(async () => {
        const { status } = await world.pool(name)
        expect(status?.conditions).toContainEqual(
          expect.objectContaining({
            type: 'Registered',
            status: 'False',
            reason: 'InvalidName',
            message: expect.stringMatching(/^metadata\.name: net-48-x+ is longer than 63 characters/),
          }),
        )
        const [entry] = (await world.config('vm-0')).status?.networkConfig ?? []
        expect(entry?.message).toMatch(/is longer than 63 characters/)
      })

      await world.create(pools, pool())
      await eventually(() => addressOf(world, 'vm-0'))
      await world.remove(pools, name)
      await eventually(async () => expect(await world.exists(pools, name)).toBe(false))
    })

    test('an object that is deleted while its VM lives is made again with the same address', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      await world.startController()
      const address = await eventually(() => addressOf(world, 'vm-0'))
      const { uid } = (await world.config('vm-0')).metadata

      await world.remove(configs, 'vm-0')

      await eventually(async () => {
        const { metadata } = await world.config('vm-0')
        expect(metadata.uid).not.toBe(uid)
        expect(await addressOf(world, 'vm-0')).toBe(address)
      })
    })

    test('nonsense in the status of an object does not stand in its way', async () => {
      const world = await given(
        ['network', network()],
        ['pool', pool()],
        ['vm', vm('vm-0', { nic: { mac: MAC } })],
      )
      const first = await world.startController()
      await eventually(() => addressOf(world, 'vm-0'))
      await first.end()
      await world.patch(
        configs,
        'vm-0',
        {
          status: {
            networkConfig: [
              { allocatedIPAddress: 'nonsense', macAddress: MAC, networkName: 'default/net-48' },
            ],
          },
        },
        true,
      )

      await world.startController()

      await eventually(async () => expect(await addressOf(world, 'vm-0')).toMatch(/^192/))
    })

    test('an owner that is made up gets nothing, whoever asks for it', async () => {
      const world = await given(['network', network()], ['pool', pool()])
      await world.startController()
      await eventually(async () => expect((await world.pool()).status?.ipv4?.available).toBe(8))
      const bus = await world.bus()
      const ask = (owner: { name: string; uid: string }) =>
        requestCommand(
          bus,
          poolCommands.allocate,
          commandSubject('pool', { namespace: 'default', name: 'net-48' }, 'allocate'),
          { macAddress: MAC, owner: { namespace: 'default', generation: 1, ...owner } },
          { clock: systemClock, id: systemRandom.uuid(), timeout: seconds(2), attempts: 5 },
        )
      await world.create(configs, {
        metadata: { name: 'other', namespace: 'default' },
        spec: { networkConfig: [{ macAddress: macOf(1), networkName: 'default/net-48' }], vmName: 'other' },
      })
      await eventually(() => addressOf(world, 'other'))
      const { uid = '' } = (await world.config('other')).metadata

      expect(await ask({ name: 'nobody', uid: 'none' })).toMatchObject({ reason: 'OwnerNotFound' })
      expect(await ask({ name: 'other', uid: 'none' })).toMatchObject({ reason: 'OwnerNotFound' })
      expect(await ask({ name: 'other', uid })).toMatchObject({ reason: 'NotAsked' })

      expect(Object.values(await leasesIn(world))).toEqual([macOf(1)])
    })

    test('a tap sees what happens', async () => {
      const world = await given(['network', network()], ['pool', pool()])
      const bus = await world.bus()
      const subjects: string[] = []
      bus.subscribe('mdhcp.event.>', ({ subject }) => subjects.push(subject))
      await world.startController()
      await world.create(vms, vm('test-vm', { 'nic-1': { mac: MAC } }))
      await eventually(() => addressOf(world, 'test-vm'))
      await world.remove(vms, 'test-vm')

      await eventually(async () =>
        expect(new Set(subjects)).toEqual(
          new Set([
            'mdhcp.event.vm.default.test-vm.config-written',
            'mdhcp.event.pool.default.net-48.delta',
            'mdhcp.event.pool.default.net-48.lease-allocated',
            'mdhcp.event.vm.default.test-vm.address-assigned',
            'mdhcp.event.pool.default.net-48.lease-released',
            'mdhcp.event.vm.default.test-vm.address-returned',
          ]),
        ),
      )
    })
  })
}

import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { formatIPv4Address } from '../../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../../src/api/values/mac-address.ts'
import { eventually } from '../../../e2e/support/eventually.ts'
import { startGuest } from '../../guest/guest.ts'
import { virtualMachine } from '../deployment.ts'
import { SYSTEM_NAMESPACE } from '../names.ts'
import type { World } from '../world.ts'

const eventsSchema = z.object({
  items: z.array(
    z.object({
      reason: z.string(),
      count: z.number(),
      involvedObject: z.object({ kind: z.string(), name: z.string() }),
    }),
  ),
})

const GUEST = '02:00:00:00:00:48'
/** A kernel under software emulation boots in half a minute on an idle machine. */
const BOOT_TIMEOUT_MS = 300_000

export function describeVmChanges(world: World): void {
  const restart = (component: string) =>
    world.system.kubectl([
      '-n',
      SYSTEM_NAMESPACE,
      'rollout',
      'restart',
      `deployment/managed-dhcp-${component}`,
    ])

  describe('VMs', () => {
    test(
      'a guest with a kernel of its own gets the address of its NIC’s MAC',
      async () => {
        await world.system.apply(virtualMachine('guest', GUEST))
        const address = await world.system.objects.untilAllocated('guest', GUEST)
        const network = world.system.kubelets.network('default/net-48')
        const guest = await startGuest({ network, mac: parseMacAddress(GUEST) })
        try {
          const lease = await guest.lease()
          expect(formatIPv4Address(lease.address)).toBe(address)
          expect((await guest.renew()).address).toBe(lease.address)
        } finally {
          await guest.stop()
        }
      },
      BOOT_TIMEOUT_MS,
    )

    test('another MAC on the NIC is followed, and the old one’s address rests', async () => {
      const before = await world.system.objects.untilAllocated('guest', GUEST)
      const other = '02:00:00:00:00:49'
      await world.system.apply(virtualMachine('guest', other))
      const after = await world.system.objects.untilAllocated('guest', other)
      expect(after).not.toBe(before)
      const pool = await eventually('the old address to rest', async () => {
        const { status } = await world.system.objects.pool('net-48')
        return status?.ipv4?.resting?.[before] === undefined ? undefined : status
      })
      expect(pool.ipv4?.resting?.[before]).toMatchObject({ macAddress: GUEST })
    })

    test('a deleted VM takes its object along, and its address is free', async () => {
      const address = await world.system.objects.untilAllocated('guest', '02:00:00:00:00:49')
      await world.system.kubectl(['delete', 'vm', 'guest', '--timeout=30s'])
      await eventually('its object to go', async () =>
        (await world.system.kubectl(['get', 'vmnetcfg', '-o', 'name'])).includes('/guest') ? undefined : true,
      )
      const { status } = await world.system.objects.pool('net-48')
      expect(status?.ipv4?.allocated).not.toHaveProperty([address])
    })

    test('one that asks for more than there is says so in an event that is counted, not repeated', async () => {
      const wish = (name: string, mac: string) => ({
        apiVersion: 'network.harvesterhci.io/v1alpha1',
        kind: 'VirtualMachineNetworkConfig',
        metadata: { name, namespace: 'default' },
        spec: { vmName: name, networkConfig: [{ macAddress: mac, networkName: 'default/net-48' }] },
      })
      const many = Array.from({ length: 8 }, (_, n) => wish(`wish-${n}`, `02:00:00:00:01:0${n}`))
      const refusals = async () =>
        eventsSchema
          .parse(JSON.parse(await world.system.kubectl(['get', 'events', '-n', 'default', '-o', 'json'])))
          .items.filter(
            ({ reason, involvedObject }) =>
              reason === 'PoolExhausted' && involvedObject.kind === 'VirtualMachineNetworkConfig',
          )
      await world.system.apply(...many)
      const [first] = await eventually('a wish that waits', async () => {
        const events = await refusals()
        return events.length > 0 ? events : undefined
      })
      const waiting = first?.involvedObject.name ?? ''
      // Who is paused and goes on is refused once more.
      const pause = (paused: boolean) =>
        world.system.kubectl([
          ...['patch', 'vmnetcfg', waiting, '-n', 'default', '--type=merge'],
          ...['-p', JSON.stringify({ spec: { paused } })],
        ])
      await pause(true)
      await world.system.kubectl([
        ...['wait', '--for=condition=Disabled', `vmnetcfg/${waiting}`, '-n', 'default', '--timeout=30s'],
      ])
      await pause(false)
      await eventually('its refusals to be counted', async () => {
        const counts = (await refusals())
          .filter(({ involvedObject }) => involvedObject.name === waiting)
          .map(({ count }) => count)
        expect(counts).toEqual([2])
        return true
      })
      await world.system.kubectl([
        'delete',
        'vmnetcfg',
        ...many.map(({ metadata }) => metadata.name),
        '--timeout=30s',
      ])
      // Their addresses rest: the next tests want others.
      const spec = { ipv4Config: { pool: { end: '192.168.48.200' } } }
      await world.system.kubectl([
        ...['patch', 'ippools.network', 'net-48', '--type=merge'],
        ...['-p', JSON.stringify({ spec })],
      ])
    })

    test('secrets that lost a key, or hold something else, are made whole', async () => {
      const secret = (name: string, field: string) =>
        world.system.kubectl([
          '-n',
          SYSTEM_NAMESPACE,
          'get',
          'secret',
          name,
          '-o',
          `jsonpath={.data.${field}}`,
        ])
      const patch = (name: string, change: Record<string, string>) =>
        world.system.kubectl([
          ...['-n', SYSTEM_NAMESPACE, 'patch', 'secret', name, '--type=json'],
          ...['-p', JSON.stringify([change])],
        ])
      const [certificates, passwords] = ['managed-dhcp-webhook-tls', 'managed-dhcp-nats-credentials']
      await patch(certificates, { op: 'replace', path: '/data/tls.key', value: 'Zm9v' })
      await eventually('a key again', async () =>
        (await secret(certificates, 'tls\\.key')) === 'Zm9v' ? undefined : true,
      )
      await patch(passwords, { op: 'remove', path: '/data/tap-password' })
      await restart('controller')
      await eventually(
        'a password again',
        async () => ((await secret(passwords, 'tap-password')) === '' ? undefined : true),
        { seconds: 60 },
      )
      const controllers = ['-n', SYSTEM_NAMESPACE, 'rollout', 'status', 'deployment/managed-dhcp-controller']
      await world.system.kubectl([...controllers, '--timeout=60s'])
    })
  })
}

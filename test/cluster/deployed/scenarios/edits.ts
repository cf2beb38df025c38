import { describe, expect, test } from 'vitest'
import { formatIPv4Address } from '../../../../src/api/values/ipv4-address.ts'
import { eventually } from '../../../e2e/support/eventually.ts'
import { isReady } from '../objects.ts'
import type { World } from '../world.ts'

export function describeEdits(world: World): void {
  const edit = (spec: Record<string, unknown>) =>
    world.system.kubectl([
      'patch',
      'ippools.network',
      'net-48',
      '--type=merge',
      '-p',
      JSON.stringify({ spec }),
    ])

  describe('a pool that is edited while it is in use', () => {
    test('options and lease time reach the next reply, and the agent’s pod stays', async () => {
      const [before] = await world.system.objects.pods('agent')
      await edit({
        ipv4Config: { dns: ['9.9.9.9'], leaseTime: 600, router: '192.168.48.2', domainName: 'example.com' },
      })
      await eventually('the next renewal to bring it', async () => {
        const lease = await world.client.renew()
        return lease.leaseSeconds === 600 ? lease : undefined
      })
      const lease = await world.client.renew()
      expect(lease.dnsServers.map(formatIPv4Address)).toEqual(['9.9.9.9'])
      expect(lease.routers.map(formatIPv4Address)).toEqual(['192.168.48.2'])
      expect(lease.domainName).toBe('example.com')
      const [after] = await world.system.objects.pods('agent')
      expect(after?.metadata.uid).toBe(before?.metadata.uid)
    })

    test('it grows, and shrinks to where nothing is held outside', async () => {
      await edit({ ipv4Config: { pool: { end: '192.168.48.99', exclude: [] } } })
      await eventually('19 addresses', async () => {
        const { status } = await world.system.objects.pool('net-48')
        return status?.ipv4?.available === 18 && status.ipv4.used === 1 ? true : undefined
      })
      await edit({
        ipv4Config: { pool: { end: '192.168.48.90', exclude: ['192.168.48.81', '192.168.48.90'] } },
      })
      await eventually('8 addresses again', async () =>
        (await world.system.objects.pool('net-48')).status?.ipv4?.available === 7 ? true : undefined,
      )
    })

    test('another server address is in the next reply at once, and on the interface when its new pod serves', async () => {
      const [before] = await world.system.objects.pods('agent')
      await edit({ ipv4Config: { serverIP: '192.168.48.78' } })
      await eventually('the new server in a reply', async () => {
        const lease = await world.client.reboot()
        return lease.serverIdentifier && formatIPv4Address(lease.serverIdentifier) === '192.168.48.78'
          ? true
          : undefined
      })
      await eventually(
        'a pod with the new address alone',
        async () => {
          const pods = await world.system.objects.pods('agent')
          const isNew = pods.length === 1 && pods[0]?.metadata.uid !== before?.metadata.uid
          return isNew && pods.every(isReady) ? true : undefined
        },
        { seconds: 60 },
      )
      const renewed = await world.client.renew()
      expect(renewed.serverIdentifier && formatIPv4Address(renewed.serverIdentifier)).toBe('192.168.48.78')
    })
  })
}

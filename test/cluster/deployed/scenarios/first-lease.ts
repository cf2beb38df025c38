import { describe, expect, test } from 'vitest'
import { formatIPv4Address } from '../../../../src/api/values/ipv4-address.ts'
import { seconds } from '../../../../src/api/values/time.ts'
import { eventually } from '../../../e2e/support/eventually.ts'
import { SYSTEM_NAMESPACE } from '../names.ts'
import { isReady } from '../objects.ts'
import { TEST_VM, type World } from '../world.ts'

export function describeFirstLease(world: World): void {
  describe('`kubectl apply -k deploy` on a real API server', () => {
    test('two controllers, two webhooks and a broker run, and one controller leads', async () => {
      for (const [component, count] of [
        ['controller', 2],
        ['webhook', 2],
        ['nats', 1],
      ] as const) {
        const pods = await world.system.objects.pods(component)
        expect(pods.filter(isReady), component).toHaveLength(count)
      }
      await eventually('a leader', () => world.system.objects.leader())
    })

    test('the documentation’s pool gets an agent in a pod of its own, named and labelled as documented', async () => {
      await world.system.applyExample('nad-net-48.yaml')
      await world.system.applyExample('ippool-net-48.yaml')
      const pool = await world.system.objects.untilServed('net-48', { seconds: 40 })
      const [pod, ...others] = await world.system.objects.pods('agent')
      expect(others).toEqual([])
      expect(pool.status?.agentPodRef).toMatchObject({
        namespace: SYSTEM_NAMESPACE,
        name: pod?.metadata.name,
      })
      expect(pod?.metadata.name).toMatch(/^default-net-48-agent-/)
      const labels =
        'network.harvesterhci.io/ippool-namespace=default,network.harvesterhci.io/ippool-name=net-48'
      const selected = await world.system.kubectl([
        'get',
        'deployments',
        '-n',
        SYSTEM_NAMESPACE,
        '-l',
        labels,
        '-o',
        'name',
      ])
      expect(selected.trim()).toBe('deployment.apps/default-net-48-agent')
      const table = await world.system.kubectl(['get', 'ippools.network', 'net-48'])
      expect(table).toMatch(/NAME +NETWORK +AVAILABLE +USED +REGISTERED +CACHEREADY +AGENTREADY/)
      expect(table).toMatch(/net-48 +default\/net-48 +8 +0 +True +True +True/)
    })

    test('a VM object is created, and a DHCP client with its MAC gets the lease that its status shows', async () => {
      await world.system.applyExample('vm-test-vm.yaml')
      const address = await world.system.objects.untilAllocated('test-vm', TEST_VM)
      world.client = await world.system.machine('default/net-48', 'test-vm', TEST_VM)
      const lease = await world.client.start()
      expect(formatIPv4Address(lease.address)).toBe(address)
      expect(lease.serverIdentifier && formatIPv4Address(lease.serverIdentifier)).toBe('192.168.48.77')
      expect(lease.leaseSeconds).toBe(300)
      const pool = await world.system.objects.pool('net-48')
      expect(pool.status?.ipv4).toMatchObject({
        allocated: { '192.168.48.81': 'EXCLUDED', [address]: TEST_VM, '192.168.48.90': 'EXCLUDED' },
        available: 7,
        used: 1,
      })
    })

    test('what the client renews by unicast is answered: the server address is on the agent’s interface', async () => {
      const renewed = await world.client.renew()
      expect(renewed.address).toBe(world.client.lease?.address)
      const [agent] = await world.system.objects.pods('agent')
      const container = world.system.kubelets.nodes
        .map((node) => node.container(`${SYSTEM_NAMESPACE}/${agent?.metadata.name}`, 'agent'))
        .find((found) => found !== undefined)
      const status = await container?.exec(['cat', '/proc/self/status'], seconds(5))
      // CAP_NET_BIND_SERVICE (10) and CAP_NET_RAW (13), and nothing else.
      expect(status?.output).toMatch(/CapBnd:\s+0000000000002400/)
      expect(status?.output).toMatch(/NoNewPrivs:\s+1/)
    })
  })
}

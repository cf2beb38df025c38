import { beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../e2e/support/eventually.ts'
import { SYSTEM_NAMESPACE } from '../names.ts'
import { TEST_VM, type World } from '../world.ts'

export function describeRefusals(world: World): void {
  describe('the webhook', () => {
    const pool = (name: string, change: Record<string, unknown>, network = 'default/net-49') => ({
      apiVersion: 'network.harvesterhci.io/v1alpha1',
      kind: 'IPPool',
      metadata: { name, namespace: 'default' },
      spec: {
        networkName: network,
        ipv4Config: {
          serverIP: '192.168.49.2',
          cidr: '192.168.49.0/24',
          pool: { start: '192.168.49.10', end: '192.168.49.20' },
          ...change,
        },
      },
    })
    const refused = (object: unknown) => world.system.refusal(['apply', '-f', '-'], JSON.stringify(object))

    beforeAll(async () => {
      const network = (name: string) => ({
        apiVersion: 'k8s.cni.cncf.io/v1',
        kind: 'NetworkAttachmentDefinition',
        metadata: {
          name,
          namespace: 'default',
          labels: { 'network.harvesterhci.io/clusternetwork': 'mgmt' },
        },
        spec: { config: '{}' },
      })
      await world.system.apply(network('net-49'), network('net-50'))
    })

    test('a pool without range and server address gets both', async () => {
      await world.system.apply(pool('defaults', { serverIP: undefined, pool: undefined }, 'default/net-50'))
      const { spec } = await world.system.objects.pool('defaults')
      expect(spec.ipv4Config.serverIP).toMatch(/^192\.168\.49\.\d+$/)
      await world.system.objects.untilServed('defaults', { seconds: 40 })
      await world.system.kubectl(['delete', 'ippools.network', 'defaults', '--timeout=60s'])
      await eventually(
        'its agent to go',
        async () => ((await world.system.objects.pods('agent')).length === 1 ? true : undefined),
        { seconds: 60 },
      )
    })

    test.each([
      [
        'a range that begins above its end',
        { pool: { start: '192.168.49.20', end: '192.168.49.10' } },
        /pool\.start/,
      ],
      [
        'a range outside the subnet',
        { pool: { start: '192.168.50.10', end: '192.168.50.20' } },
        /pool\.start/,
      ],
      ['a server outside the subnet', { serverIP: '10.0.0.1' }, /serverIP/],
      ['a router that is the server', { router: '192.168.49.2' }, /router/],
      [
        'the network address in the range',
        { pool: { start: '192.168.49.0', end: '192.168.49.9' } },
        /network address/,
      ],
      [
        'the cluster’s service network',
        {
          cidr: '10.96.5.0/24',
          serverIP: '10.96.5.2',
          pool: { start: '10.96.5.10', end: '10.96.5.20' },
        },
        /10\.96\.0\.0\/16 \(ServiceCIDR kubernetes\)/,
      ],
    ])('%s is refused with the reason', async (_what, change, reason) => {
      expect(await refused(pool('wrong', change))).toMatch(reason)
    })

    test('a second pool on one network, and one without a network, are refused', async () => {
      expect(await refused(pool('second', {}, 'default/net-48'))).toMatch(/default\/net-48/)
      expect(await refused(pool('nowhere', {}, 'default/missing'))).toMatch(/default\/missing/)
    })

    test('a pool in use is not deleted, and what its VMs hold is not taken from under them', async () => {
      expect(await world.system.refusal(['delete', 'ippools.network', 'net-48'])).toMatch(/test-vm/)
      const held = await world.system.objects.untilAllocated('test-vm', TEST_VM)
      const attempt = (ipv4Config: Record<string, unknown>) =>
        world.system.refusal([
          ...['patch', 'ippools.network', 'net-48', '--type=merge'],
          ...['-p', JSON.stringify({ spec: { ipv4Config } })],
        ])
      expect(await attempt({ pool: { start: '192.168.48.85' } })).toContain(held)
      expect(await attempt({ pool: { exclude: [held] } })).toContain(held)
      expect(await attempt({ serverIP: held })).toContain(held)
    })

    test('a VM’s MAC address that another object has on that network is refused', async () => {
      const config = {
        apiVersion: 'network.harvesterhci.io/v1alpha1',
        kind: 'VirtualMachineNetworkConfig',
        metadata: { name: 'copy', namespace: 'default' },
        spec: { vmName: 'copy', networkConfig: [{ macAddress: TEST_VM, networkName: 'default/net-48' }] },
      }
      expect(await refused(config)).toMatch(/test-vm/)
    })

    test('a wrong certificate in the configuration is put right, and requests go on', async () => {
      const broken = [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: 'Zm9v' }]
      const configuration = 'validatingwebhookconfigurations/managed-dhcp'
      await world.system
        .kubectl(['patch', configuration, '--type=json', '-p', JSON.stringify(broken)])
        .catch(() => 'the API server may refuse it itself')
      await eventually(
        'the CA to be back',
        async () => {
          const path = '{.webhooks[0].clientConfig.caBundle}'
          const bundle = await world.system.kubectl(['get', configuration, '-o', `jsonpath=${path}`])
          return Buffer.from(bundle, 'base64').toString().includes('BEGIN CERTIFICATE') ? true : undefined
        },
        { seconds: 60 },
      )
      await eventually(
        'an answer of the webhook',
        async () =>
          (await refused(pool('wrong', { serverIP: '10.0.0.1' }))).includes('serverIP') ? true : undefined,
        { seconds: 60 },
      )
    })

    test('no write is refused while one of the two webhook pods is deleted', async () => {
      const config = (number: number) => ({
        apiVersion: 'network.harvesterhci.io/v1alpha1',
        kind: 'VirtualMachineNetworkConfig',
        metadata: { name: `written-${number}`, namespace: 'default' },
        spec: {
          networkConfig: [{ macAddress: `02:00:00:00:04:0${number}`, networkName: 'default/net-48' }],
        },
      })
      // Several with each kubectl, which takes longer to start than they do.
      const items = Array.from({ length: 8 }, (_, index) => config(index + 1))
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
      const write = () =>
        world.system.kubectl(['create', '--dry-run=server', '-o', 'name', '-f', '-'], list).then(
          (names) => names.trim().split('\n'),
          (error: unknown) => [String(error)],
        )
      const answers: string[] = []
      let isGone = false
      const writing = (async () => {
        while (!isGone) answers.push(...(await write()))
      })()
      const [going] = await world.system.objects.pods('webhook')
      const name = going?.metadata.name ?? ''
      await world.system.kubectl(['-n', SYSTEM_NAMESPACE, 'delete', 'pod', name, '--timeout=60s'])
      isGone = true
      await writing
      expect(
        answers.filter((answer) => !/^virtualmachinenetworkconfig\S*\/written-\d$/.test(answer)),
      ).toEqual([])
      // More than two kubectls': the pod answers for some seconds when it is told to end.
      expect(answers.length).toBeGreaterThan(2 * items.length)
    })
  })
}

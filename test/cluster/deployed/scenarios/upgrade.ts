import { describe, expect, test } from 'vitest'
import { packageFile } from '../../../../src/runtime/package-root.ts'
import { eventually } from '../../../e2e/support/eventually.ts'
import { untilRolledOut, virtualMachine } from '../deployment.ts'
import { SYSTEM_NAMESPACE } from '../names.ts'
import type { World } from '../world.ts'

export function describeUpgrade(world: World): void {
  describe('an upgrade', () => {
    const setImage = (image: string) =>
      world.system.kubectl([
        ...[
          '-n',
          SYSTEM_NAMESPACE,
          'set',
          'env',
          'deployment/managed-dhcp-controller',
          `AGENT_IMAGE=${image}`,
        ],
      ])
    const agentImage = () =>
      world.system.kubectl([
        ...['-n', SYSTEM_NAMESPACE, 'get', 'deployment', 'default-net-48-agent'],
        ...['-o', 'jsonpath={.spec.template.spec.containers[0].image}'],
      ])

    test('is held back from the agent of a pool that says so, and rolls it when it does no more', async () => {
      const hold = 'network.harvesterhci.io/hold-ippool-agent-upgrade'
      await world.system.kubectl(['annotate', 'ippools.network', 'net-48', `${hold}=true`])
      await setImage('managed-dhcp:0.1.1')
      await untilRolledOut(world.system)
      await eventually('a leader', () => world.system.objects.leader())
      // Not just not rolled yet: the leader has looked, and leaves it alone.
      await eventually(
        'the leader to say that it holds the image back',
        async () =>
          (await world.system.kubectl(['get', 'events', '--field-selector=reason=AgentImageHeld'])).includes(
            'managed-dhcp:0.1.1 waits',
          )
            ? true
            : undefined,
        { seconds: 60 },
      )
      await world.system.apply(virtualMachine('vm-2', '02:00:00:00:00:02'))
      await world.system.objects.untilAllocated('vm-2', '02:00:00:00:00:02', { seconds: 40 })
      expect(await agentImage()).toBe('managed-dhcp:0.1.0')
      await world.system.kubectl(['annotate', 'ippools.network', 'net-48', `${hold}-`])
      await eventually('the new image', async () =>
        (await agentImage()) === 'managed-dhcp:0.1.1' ? true : undefined,
      )
      await untilRolledOut(world.system)
      await world.system.objects.untilServed('net-48')
      await world.client.renew()
    })

    test('`kubectl apply -k deploy` once more changes nothing that the webhook and the controller wrote', async () => {
      await setImage('managed-dhcp:0.1.0')
      const caBundle = () =>
        world.system.kubectl([
          ...['get', 'validatingwebhookconfigurations/managed-dhcp'],
          ...['-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}'],
        ])
      const before = await caBundle()
      const generations = () =>
        world.system.kubectl([
          ...['get', '-k', packageFile('deploy')],
          ...['-o', 'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.generation}{"\\n"}{end}'],
        ])
      await untilRolledOut(world.system)
      const specs = await generations()
      await world.system.kubectl(['apply', '-k', packageFile('deploy')])
      expect(await caBundle()).toBe(before)
      expect(await generations()).toBe(specs)
      await untilRolledOut(world.system)
    })
  })
}

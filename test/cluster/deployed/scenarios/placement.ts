import { describe, expect, test } from 'vitest'
import { eventually } from '../../../e2e/support/eventually.ts'
import { NODE_OUTSIDE, NODES, SYSTEM_NAMESPACE } from '../names.ts'
import { isReady } from '../objects.ts'
import type { World } from '../world.ts'

export function describePlacement(world: World): void {
  const agents = () => world.system.objects.pods('agent')

  describe('where an agent runs', () => {
    test('only on nodes that its network reaches: it waits for one, though another node is free, and says so', async () => {
      const [before] = await agents()
      await world.system.kubectl(['wait', '--for=condition=Ready', `node/${NODE_OUTSIDE}`, '--timeout=60s'])
      await world.system.kubectl(['cordon', ...NODES])
      try {
        await world.system.kubectl(['-n', SYSTEM_NAMESPACE, 'delete', 'pod', before?.metadata.name ?? ''])
        await eventually(
          'the status to say why nobody serves',
          async () => {
            const { status } = await world.system.objects.pool('net-48')
            const ready = status?.conditions?.find(({ type }) => type === 'AgentReady')
            return /didn't match Pod's node affinity/.test(ready?.message ?? '') ? true : undefined
          },
          { seconds: 60 },
        )
        expect((await agents()).map(({ spec }) => spec.nodeName)).toEqual([undefined])
      } finally {
        await world.system.kubectl(['uncordon', ...NODES])
      }
      const agent = await eventually('an agent', async () => (await agents()).find(isReady), { seconds: 60 })
      expect(NODES).toContain(agent.spec.nodeName)
      await world.system.objects.untilServed('net-48', { seconds: 60 })
      await world.client.renew()
    })
  })
}

import { setTimeout as wait } from 'node:timers/promises'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { poolEvents } from '../../../../actors/pool/contracts.ts'
import { seconds } from '../../../../src/api/values/time.ts'
import { systemClock } from '../../../../src/runtime/system-clock.ts'
import { publishEvent } from '../../../../transports/messages/contract.ts'
import { connectNatsTransport } from '../../../../transports/messages/nats.ts'
import { eventSubject } from '../../../../transports/messages/subjects.ts'
import { eventually } from '../../../e2e/support/eventually.ts'
import { untilControllersWork } from '../../control-plane/controllers.ts'
import { type AuditedRequest, readAuditLog } from '../audit-log.ts'
import { containerOf, untilRolledOut, virtualMachine } from '../deployment.ts'
import { NODE_LABELS, SYSTEM_NAMESPACE } from '../names.ts'
import { isReady } from '../objects.ts'
import type { World } from '../world.ts'

export function describeFailures(world: World): void {
  let count = 0

  /** Creates a VM and waits for its address. @returns seconds */
  async function secondsToAllocate(begin = performance.now()): Promise<number> {
    count += 1
    const [name, mac] = [`failure-${count}`, `02:00:00:00:02:0${count}`]
    await world.system.apply(virtualMachine(name, mac))
    await world.system.objects.untilAllocated(name, mac, { seconds: 90 })
    const took = (performance.now() - begin) / 1000
    await world.system.kubectl(['delete', 'vm', name])
    return took
  }

  const leader = async () => eventually('a leader', () => world.system.objects.leader())

  /** A leader that is to stop may still lead, and even allocate, until its signal has reached it. */
  const untilAnotherLeads = async (before: string) =>
    eventually('another leader', async () => {
      const name = await world.system.objects.leader()
      return name === before ? undefined : name
    })

  describe('what fails', () => {
    test('the leading controller is killed: the standby goes on', async ({ annotate }) => {
      const before = await leader()
      const killed = performance.now()
      process.kill(containerOf(world.system, before, 'controller').pid, 'SIGKILL')
      await annotate(`allocating again after ${(await secondsToAllocate(killed)).toFixed(1)} s`)
      expect(await leader()).not.toBe(before)
      await untilRolledOut(world.system)
    })

    test('the leading controller stops cleanly: the standby goes on at once', async ({ annotate }) => {
      const before = await leader()
      const deleted = performance.now()
      await world.system.kubectl(['-n', SYSTEM_NAMESPACE, 'delete', 'pod', before, '--wait=false'])
      await annotate(`allocating again after ${(await secondsToAllocate(deleted)).toFixed(1)} s`)
      await untilAnotherLeads(before)
      await untilRolledOut(world.system)
    })

    test('a leader that sleeps and wakes up after another has taken over does no harm', async ({
      annotate,
    }) => {
      const before = await leader()
      const { pid } = containerOf(world.system, before, 'controller')
      const stopped = performance.now()
      process.kill(pid, 'SIGSTOP')
      try {
        await annotate(`allocating again after ${(await secondsToAllocate(stopped)).toFixed(1)} s`)
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      const other = await leader()
      expect(other).not.toBe(before)
      await eventually('the pool to be quiet', async () => {
        const version = async () => (await world.system.objects.pool('net-48')).metadata.resourceVersion
        const first = await version()
        await wait(3000)
        return (await version()) === first ? true : undefined
      })
      expect(await leader()).toBe(other)
      await eventually(
        'two controllers that are ready',
        async () =>
          (await world.system.objects.pods('controller')).filter(isReady).length === 2 ? true : undefined,
        { seconds: 60 },
      )
      const { status } = await world.system.objects.pool('net-48')
      const held = Object.values(status?.ipv4?.allocated ?? {}).filter((holder) => holder.includes(':'))
      expect(new Set(held).size).toBe(held.length)
    })

    test('the agent’s node dies: another agent serves, although the dead pod hangs', async ({ annotate }) => {
      const [agent] = (await world.system.objects.pods('agent')).filter(isReady)
      const nodeName = agent?.spec.nodeName ?? ''
      const node = world.system.kubelets.nodes.findLast(({ name }) => name === nodeName)
      const crashed = performance.now()
      await node?.crash()
      const replacement = await eventually(
        'another agent',
        async () =>
          (await world.system.objects.pods('agent')).find(
            (pod) => isReady(pod) && pod.spec.nodeName !== nodeName,
          ),
        { seconds: 90 },
      )
      await world.client.reboot()
      await annotate(
        `a client that boots has its lease ${((performance.now() - crashed) / 1000).toFixed(1)} s after`,
      )
      await eventually('the status to name the living pod', async () => {
        const { status } = await world.system.objects.pool('net-48')
        return status?.agentPodRef?.name === replacement.metadata.name ? true : undefined
      })
      const dead = (await world.system.objects.pods('agent')).find(
        ({ metadata }) => metadata.uid === agent?.metadata.uid,
      )
      expect(dead?.metadata.deletionTimestamp).toBeDefined()
      await annotate(`allocating: ${(await secondsToAllocate()).toFixed(1)} s`)
      await world.system.kubelets.startNode({ name: nodeName, labels: NODE_LABELS })
      await eventually(
        'the dead pod to go',
        async () =>
          (await world.system.objects.pods('agent')).some(
            ({ metadata }) => metadata.uid === agent?.metadata.uid,
          )
            ? undefined
            : true,
        { seconds: 40 },
      )
      await untilRolledOut(world.system)
    })

    test('the broker is gone: clients renew, VMs get addresses, agents start and serve', async () => {
      const scale = (replicas: number) =>
        world.system.kubectl([
          ...['-n', SYSTEM_NAMESPACE, 'scale', 'statefulset/managed-dhcp-nats', `--replicas=${replicas}`],
        ])
      await scale(0)
      await eventually(
        'no broker',
        async () => ((await world.system.objects.pods('nats')).length === 0 ? true : undefined),
        { seconds: 90 },
      )
      await world.client.renew()
      const [agent] = (await world.system.objects.pods('agent')).filter(isReady)
      await world.system.kubectl(['-n', SYSTEM_NAMESPACE, 'delete', 'pod', agent?.metadata.name ?? ''])
      await eventually(
        'a new agent',
        async () =>
          (await world.system.objects.pods('agent')).find(
            (pod) => isReady(pod) && pod.metadata.uid !== agent?.metadata.uid,
          ),
        { seconds: 40 },
      )
      await world.client.reboot()
      await secondsToAllocate()
      await scale(1)
      await world.system.objects.untilServed('net-48')
    })

    test('the webhook is gone: nothing unchecked gets in; VMs, labels and deletions go on', async () => {
      const scale = (replicas: number) =>
        world.system.kubectl([
          ...['-n', SYSTEM_NAMESPACE, 'scale', 'deployment/managed-dhcp-webhook', `--replicas=${replicas}`],
        ])
      await scale(0)
      await eventually(
        'no webhook',
        async () => ((await world.system.objects.pods('webhook')).length === 0 ? true : undefined),
        { seconds: 60 },
      )
      try {
        await world.system.kubectl(['annotate', 'ippools.network', 'net-48', 'example.com/note=here'])
        const spec = { ipv4Config: { leaseTime: 900 } }
        const refusal = await world.system.refusal([
          ...['patch', 'ippools.network', 'net-48', '--type=merge', '-p', JSON.stringify({ spec })],
        ])
        expect(refusal).toMatch(/failed calling webhook/)
        await secondsToAllocate()
      } finally {
        await scale(2)
        await untilRolledOut(world.system)
      }
    })

    test('what only a message says is looked up: the API knows nothing of it, so the agent forgets it', async () => {
      const [broker] = await world.system.objects.pods('nats')
      const encoded = await world.system.kubectl([
        ...['-n', SYSTEM_NAMESPACE, 'get', 'secret', 'managed-dhcp-nats-credentials'],
        ...['-o', 'jsonpath={.data.controller-password}'],
      ])
      const password = Buffer.from(encoded, 'base64').toString()
      const transport = connectNatsTransport({
        servers: `nats://controller:${password}@${broker?.status.podIP}:4222`,
        name: 'forger',
        clock: systemClock,
        log: pino({ level: 'silent' }),
      })
      const key = { namespace: 'default', name: 'net-48' }
      const stranger = '02:00:00:00:03:01'
      const forge = async () => {
        const { metadata, status } = await world.system.objects.pool('net-48')
        const revision = status?.ipv4?.revision ?? 0
        publishEvent(transport, poolEvents.delta, eventSubject('pool', key, 'delta'), {
          uid: metadata.uid ?? '',
          previousRevision: revision,
          revision: revision + 1,
          generation: metadata.generation ?? 0,
          leases: { '192.168.48.199': stranger },
        })
        await transport.flush()
      }
      const isLookedUp = async (since: number) => {
        const requests = await readAuditLog(world.system.controlPlane.auditLog, (user) =>
          user.endsWith('-agent'),
        )
        const isLook = ({ verb, name, at }: AuditedRequest) =>
          verb === 'get' && name === 'net-48' && at > since
        return requests.some(isLook) ? true : undefined
      }
      try {
        await transport.whenConnected()
        const begun = systemClock.now()
        // An agent that is not connected to the new broker yet hears nothing.
        await eventually(
          'the agent to ask the API',
          async () => {
            await forge()
            return isLookedUp(begun)
          },
          {
            seconds: 40,
            pauseMs: 1000,
          },
        )
        // It goes by a message alone for three seconds: what the last one said is looked up after it came.
        await forge()
        const told = systemClock.now() + 200
        await eventually('the agent to ask once more', () => isLookedUp(told), { seconds: 40 })
      } finally {
        await transport.close()
      }
      const intruder = await world.system.machine(
        'default/net-48',
        'stranger',
        stranger,
        'udhcpc',
        seconds(5),
      )
      await expect(intruder.start()).rejects.toThrow(/did not get there/)
      await world.client.renew()
    })

    test('the control plane is gone, and the agent starts anew: it serves from its file; then all is as before', async ({
      annotate,
    }) => {
      const { apiServer, etcd } = world.system.controlPlane
      const before = await world.system.objects.pool('net-48')
      const [agent] = (await world.system.objects.pods('agent')).filter(isReady)
      await apiServer.kill('SIGKILL')
      await etcd.kill('SIGKILL')
      try {
        await world.client.renew()
        process.kill(containerOf(world.system, agent?.metadata.name ?? '', 'agent').pid, 'SIGKILL')
        const address = world.client.lease?.address
        expect((await world.client.reboot()).address).toBe(address)
      } finally {
        etcd.start()
        await etcd.whenReady()
        apiServer.start()
        await apiServer.whenReady()
      }
      const back = performance.now()
      await annotate(
        `allocating again ${(await secondsToAllocate(back)).toFixed(1)} s after the API server is back`,
      )
      const after = await world.system.objects.pool('net-48')
      expect(after.status?.ipv4?.allocated).toMatchObject(before.status?.ipv4?.allocated ?? {})
      await world.system.objects.untilServed('net-48', { seconds: 60 })
      await untilControllersWork(world.system.controlPlane)
    }, 300_000)
  })
}

import { spawnSync } from 'node:child_process'
import { pino } from 'pino'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { dhcpEvent } from '../../actors/agent/contracts.ts'
import { poolCommands, poolEvents } from '../../actors/pool/contracts.ts'
import { milliseconds } from '../../src/api/values/time.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import {
  publishEvent,
  requestCommand,
  serveCommand,
  subscribeEvent,
} from '../../transports/messages/contract.ts'
import { connectNatsTransport, type NatsTransport } from '../../transports/messages/nats.ts'
import { ALL_EVENTS, commandSubject, eventSubject } from '../../transports/messages/subjects.ts'
import { freePort } from '../support/nats-server.ts'
import { type DeployedBroker, startDeployedBroker } from './support/deployed-broker.ts'
import { buildOverlay } from './support/kustomize.ts'
import { container, workload } from './support/workloads.ts'

const SECRET = { 'controller-password': 'c-secret', 'agent-password': 'a-secret', 'tap-password': 't-secret' }
const pool = { namespace: 'default', name: 'net-48' }

let lines: { msg: string; level: number }[] = []
const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) })
const brokers: DeployedBroker[] = []
const opened: NatsTransport[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()))
  await Promise.all(brokers.splice(0).map((broker) => broker.close()))
  lines = []
})

/** As the processes do it: user and password from the environment, the inbox named after the user. */
async function open(broker: DeployedBroker, user: 'controller' | 'agent' | 'tap'): Promise<NatsTransport> {
  const transport = connectNatsTransport({
    servers: broker.url,
    name: user,
    clock: systemClock,
    log,
    credentials: { kind: 'password', user, password: SECRET[`${user}-password`] },
    inboxPrefix: `_INBOX_${user}`,
  })
  opened.push(transport)
  await transport.whenConnected()
  return transport
}

const ask = { clock: systemClock, timeout: milliseconds(2000), attempts: 1 }

/** All that the processes say to each other. @returns what the tap saw */
async function converse(
  controller: NatsTransport,
  agent: NatsTransport,
  tap: NatsTransport,
): Promise<string[]> {
  const seen: string[] = []
  const deltas: number[] = []
  tap.subscribe(ALL_EVENTS, ({ subject }) => {
    seen.push(subject)
  })
  subscribeEvent(
    agent,
    poolEvents.delta,
    eventSubject('pool', pool, 'delta'),
    ({ revision }) => {
      deltas.push(revision)
    },
    { log },
  )
  serveCommand(
    controller,
    poolCommands.agentReport,
    commandSubject('pool', pool, 'agent-report'),
    () => ({}),
    { log },
  )
  serveCommand(
    controller,
    poolCommands.allocate,
    commandSubject('pool', pool, 'allocate'),
    () => ({ outcome: 'allocated' as const, address: '192.168.48.82' }),
    { log },
  )
  await Promise.all([controller, agent, tap].map((transport) => transport.flush()))

  // Brokers take a moment to tell each other who listens.
  await vi.waitFor(async () => {
    const report = { uid: 'u', revision: 1, serving: true, pod: { namespace: 'x', name: 'y' } }
    const subject = commandSubject('pool', pool, 'agent-report')
    expect(
      await requestCommand(agent, poolCommands.agentReport, subject, report, { ...ask, id: 'r1' }),
    ).toEqual({})
  }, 20_000)
  const owner = { namespace: 'default', name: 'test-vm', uid: 'u', generation: 1 }
  const request = { macAddress: '02:00:00:00:00:01', owner }
  const subject = commandSubject('pool', pool, 'allocate')
  expect(
    await requestCommand(controller, poolCommands.allocate, subject, request, { ...ask, id: 'r2' }),
  ).toMatchObject({ address: '192.168.48.82' })

  await vi.waitFor(() => {
    const leases = { '192.168.48.82': '02:00:00:00:00:01' }
    const body = { uid: 'u', previousRevision: 1, revision: 2, generation: 1, leases }
    publishEvent(controller, poolEvents.delta, eventSubject('pool', pool, 'delta'), body)
    publishEvent(agent, dhcpEvent, eventSubject('dhcp', pool, 'ack'), { type: 'ack' })
    expect(deltas).toContain(2)
    expect(new Set(seen)).toEqual(
      new Set([eventSubject('pool', pool, 'delta'), eventSubject('dhcp', pool, 'ack')]),
    )
  }, 20_000)
  return seen
}

const refusals = () => lines.filter(({ msg }) => msg.includes('does not permit'))

test('controller, agent and tap say all that they have to, and the broker permits it', async () => {
  const broker = await startDeployedBroker(await buildOverlay('default'), { secret: SECRET })
  brokers.push(broker)
  await converse(await open(broker, 'controller'), await open(broker, 'agent'), await open(broker, 'tap'))
  expect(refusals()).toEqual([])
})

test('the broker takes the largest snapshot that an IPPool can hold', async () => {
  const broker = await startDeployedBroker(await buildOverlay('default'), { secret: SECRET })
  brokers.push(broker)
  const { max_payload: limit } = z
    .object({ max_payload: z.number() })
    .parse(await (await fetch(`${broker.monitor}/varz`)).json())
  const lease = JSON.stringify({ '192.168.148.182': '02:00:00:00:00:01' }).length
  expect(limit).toBeGreaterThan(43_800 * lease)
})

describe('three brokers', () => {
  async function startThree(): Promise<DeployedBroker[]> {
    const manifests = await buildOverlay('nats-cluster')
    const ports = [await freePort(), await freePort(), await freePort()]
    await Promise.all(
      ports.map(async (port, index) =>
        brokers.push(
          await startDeployedBroker(manifests, {
            secret: SECRET,
            name: `managed-dhcp-nats-${index}`,
            // Pods have an address and a name each, processes of one machine a port each.
            file: (text) => text.replace(/port: 6222/, `listen: "127.0.0.1:${port}"`),
            variable: (text) =>
              text.replaceAll(
                /managed-dhcp-nats-(\d)\.managed-dhcp-nats-pods:6222/g,
                (_, n) => `127.0.0.1:${ports[n]}`,
              ),
          }),
        ),
      ),
    )
    return brokers
  }

  test('are one: what is told to one of them is heard at the others', async () => {
    const [first, second, third] = await startThree()
    if (!first || !second || !third) throw new Error('three were started')
    await converse(await open(first, 'controller'), await open(second, 'agent'), await open(third, 'tap'))
    expect(refusals()).toEqual([])
  })

  test('let no broker join that does not know the password of the routes', async () => {
    const [first] = await startThree()
    const address = await vi.waitFor(() => {
      const [, listening] = /route connections on (127\.0\.0\.1:\d+)/.exec(first?.output() ?? '') ?? []
      expect(listening).toBeDefined()
      return listening ?? ''
    }, 10_000)
    const stranger = await startDeployedBroker(await buildOverlay('nats-cluster'), {
      secret: { ...SECRET, 'controller-password': 'guess' },
      name: 'stranger',
      file: (text) => text.replace(/port: 6222/, 'listen: "127.0.0.1:-1"'),
      variable: (text) => text.replaceAll(/managed-dhcp-nats-\d\.managed-dhcp-nats-pods:6222/g, address),
    })
    brokers.push(stranger)
    await vi.waitFor(() => expect(first?.output()).toMatch(/authentication error/), { timeout: 10_000 })
    // It counts a connection from the first word to the refusal, and tries again every second.
    await vi.waitFor(async () => {
      const routes: unknown = await (await fetch(`${stranger.monitor}/routez`)).json()
      expect(routes).toMatchObject({ num_routes: 0 })
    }, 10_000)
  })

  test('one that is to end sends its clients away first, by the command of its preStop hook', async () => {
    const [first] = await startThree()
    const manifests = await buildOverlay('nats-cluster')
    const hook = container(workload(manifests, 'managed-dhcp-nats'), 'nats').lifecycle
    expect(hook).toEqual({
      preStop: { exec: { command: ['nats-server', '--signal', 'ldm=/var/run/nats/nats.pid'] } },
    })
    spawnSync('nats-server', ['--signal', `ldm=${first?.pidFile}`], {
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
    })
    await vi.waitFor(() => expect(first?.output()).toMatch(/[Ll]ame duck/), { timeout: 5000 })
  })
})

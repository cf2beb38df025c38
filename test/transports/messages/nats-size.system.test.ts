import { createConnection } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type AgentActor, startAgentActor } from '../../../actors/agent/actor.ts'
import { type PoolSnapshot, poolCommands, poolEvents } from '../../../actors/pool/contracts.ts'
import { startActorSystem } from '../../../actors/system.ts'
import { ipPoolSchema } from '../../../src/api/ippool.ts'
import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import type { ObjectList } from '../../../src/kube/store.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { publishEvent, requestCommand, serveCommand } from '../../../transports/messages/contract.ts'
import {
  InvalidMessageError,
  MessageTooLargeError,
  RemoteError,
} from '../../../transports/messages/errors.ts'
import { connectNatsTransport, type NatsTransport } from '../../../transports/messages/nats.ts'
import { commandSubject, eventSubject } from '../../../transports/messages/subjects.ts'
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts'
import { poolObject } from '../../support/objects.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { ScriptedStore } from '../../support/scripted-store.ts'

/** How much one message may hold, with real brokers. */

const LARGE = { namespace: 'default', name: 'large' }
const SUBJECT = commandSubject('pool', LARGE, 'snapshot')
const MEBIBYTE = 1024 * 1024
const { log, lines } = recordingLog()
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  lines.length = 0
})

async function startBroker(config = ''): Promise<NatsServer> {
  const broker = await startNatsServer(config)
  closers.push(() => broker.close())
  return broker
}

async function open(broker: NatsServer): Promise<NatsTransport> {
  const transport = connectNatsTransport({ servers: broker.url, name: 'test', clock: systemClock, log })
  closers.push(() => transport.close())
  await transport.whenConnected()
  return transport
}

/** As many leases as an IPPool can hold in etcd. */
function largestSnapshot(): PoolSnapshot {
  const leases = Object.fromEntries(
    Array.from({ length: 43_800 }, (_, index) => [
      formatIPv4Address((0xac_64_64_64 + index) as IPv4Address),
      `02:00:00:00:${(0x1_00_00 + index).toString(16).slice(-4).replace(/^(..)/, '$1:')}`,
    ]),
  )
  const spec = {
    networkName: 'default/large',
    ipv4Config: {
      serverIP: '172.100.0.2',
      cidr: '172.100.0.0/14',
      pool: { start: '172.100.100.0', end: '172.101.255.0' },
    },
  }
  return { uid: 'pool-uid', revision: 9, generation: 1, ...LARGE, spec, ntpServers: [], leases }
}

async function serveLargest(broker: NatsServer): Promise<PoolSnapshot> {
  const snapshot = largestSnapshot()
  const controller = await open(broker)
  serveCommand(
    controller,
    poolCommands.snapshot,
    SUBJECT,
    () => ({ outcome: 'snapshot' as const, snapshot }),
    { log },
  )
  await controller.flush()
  return snapshot
}

function askForSnapshot(agent: NatsTransport) {
  const once = { clock: systemClock, id: 'one', timeout: seconds(10), attempts: 1 }
  return requestCommand(agent, poolCommands.snapshot, SUBJECT, {}, once)
}

describe('the snapshot of the largest pool', () => {
  test('reaches its agent where the broker takes 4 MB, as the deployed one does', async () => {
    const broker = await startBroker('max_payload: 4MB')
    const snapshot = await serveLargest(broker)
    expect(JSON.stringify(snapshot).length).toBeGreaterThan(1_600_000)

    const reply = await askForSnapshot(await open(broker))

    expect(reply).toEqual({ outcome: 'snapshot', snapshot })
    expect(lines.filter(({ level }) => level >= 40)).toEqual([])
  })

  test('is too large for a broker as it comes: both sides are told what to set, the log once', async () => {
    const broker = await startBroker()
    await serveLargest(broker)
    const agent = await open(broker)
    const told =
      /^the message to mdhcp\.cmd\.pool\.default\.large\.snapshot has 1\d{6} bytes and headers, one message may have 1048576 with both: set "max_payload: 4MB" in the configuration of the message broker$/

    for (let time = 0; time < 3; time++) {
      const refusal = await askForSnapshot(agent).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(RemoteError)
      expect(refusal).toMatchObject({ reason: expect.stringMatching(told) })
    }
    expect(lines.filter(({ level }) => level >= 40)).toMatchObject([
      { msg: expect.stringMatching(told), pattern: SUBJECT },
    ])
  })

  test('reaches its agent as soon as the broker takes more, without a restart of anything else', async () => {
    const broker = await startBroker()
    const snapshot = await serveLargest(broker)
    const agent = await open(broker)
    await expect(askForSnapshot(agent)).rejects.toThrow(RemoteError)

    await broker.restart('max_payload: 4MB')

    await vi.waitFor(
      async () => expect(await askForSnapshot(agent)).toEqual({ outcome: 'snapshot', snapshot }),
      { timeout: 20_000, interval: 200 },
    )
  })
})

test('an agent whose pool is too large for the broker serves what its watch says', async () => {
  const broker = await startBroker()
  const { leases, spec } = await serveLargest(broker)
  const store = new ScriptedStore()
  let answer: (list: ObjectList) => void = () => {}
  store.answer = () => new Promise((resolve) => (answer = resolve))
  const transport = await open(broker)
  const agent = await startAgent(store, transport)
  const refusals = () => lines.filter(({ msg }) => msg === 'no snapshot from the pool actor').length
  await vi.waitFor(() => expect(refusals()).toBeGreaterThan(0), 5_000)
  expect(agent.leases()).toBe(0)

  const poolOf = (revision: number, allocated: Record<string, string>) =>
    poolObject({
      metadata: { name: 'large', resourceVersion: `${revision}` },
      spec: ipPoolSchema.shape.spec.parse(spec),
      status: { ipv4: { revision, allocated } },
    })
  answer({ items: [poolOf(9, leases)], resourceVersion: '9' })
  await vi.waitFor(() => expect(agent.leases()).toBe(43_800), 10_000)
  expect(agent.ready()).toMatchObject({ ok: true })

  // Revision 10 was missed, so the agent asks in vain for a snapshot.
  const before = refusals()
  const body = { uid: 'pool-uid', previousRevision: 10, revision: 11, generation: 1, leases: {} }
  const controller = await open(broker)
  publishEvent(controller, poolEvents.delta, eventSubject('pool', LARGE, 'delta'), body)
  await vi.waitFor(() => expect(refusals()).toBeGreaterThan(before), 5_000)
  const { '172.100.100.100': _, ...fewer } = leases
  store.watches.at(-1)?.send({ type: 'MODIFIED', object: poolOf(11, fewer) })
  await vi.waitFor(() => expect(agent.leases()).toBe(43_799), 10_000)
}, 60_000)

async function startAgent(store: ScriptedStore, transport: NatsTransport): Promise<AgentActor> {
  const parts = { clock: systemClock, random: systemRandom, log }
  const system = startActorSystem({ ...parts, name: 'agent' })
  const agent = await startAgentActor({
    ...parts,
    pool: LARGE,
    pod: { namespace: 'harvester-system', name: 'default-large-agent' },
    system,
    store,
    transport,
    packets: { send() {}, onDatagram() {}, async close() {} },
    file: { read: async () => undefined, write: async () => {}, remove: async () => {} },
  })
  closers.push(async () => {
    await agent.stop()
    await system.stopAll(seconds(0))
  })
  return agent
}

describe('however much a broker would take', () => {
  test('nobody sends more than 4 MiB', async () => {
    const transport = await open(await startBroker('max_payload: 8MB'))
    const body = 'x'.repeat(4 * MEBIBYTE)

    expect(() => transport.publish('a', { body })).toThrow(MessageTooLargeError)
    expect(() => transport.publish('a', { body })).toThrow(
      /^the message to a has 4194306 bytes .*: send it in parts$/,
    )
    await expect(transport.request('a', { body }, { timeout: seconds(5) })).rejects.toThrow(
      MessageTooLargeError,
    )
  })

  test('nobody reads more than 4 MiB: events are dropped and counted, replies refused', async () => {
    const broker = await startBroker('max_payload: 8MB')
    const transport = await open(broker)
    const heard = vi.fn()
    transport.subscribe('flood', heard)
    await transport.flush()
    const large = `"${'x'.repeat(4 * MEBIBYTE)}"`
    const socket = createConnection(broker.port, '127.0.0.1')
    closers.push(async () => void socket.destroy())
    socket.on('data', (chunk) => {
      const [, inbox] = /MSG ask 1 (\S+) /.exec(String(chunk)) ?? []
      if (inbox !== undefined) socket.write(`PUB ${inbox} ${large.length}\r\n${large}\r\n`)
    })
    socket.write('CONNECT {"verbose":false}\r\nSUB ask 1\r\n')
    socket.write(`PUB flood ${large.length}\r\n${large}\r\nPUB flood 1\r\n1\r\n`)

    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1), { timeout: 10_000 })
    expect(heard).toHaveBeenCalledWith(expect.objectContaining({ body: 1 }))
    expect(transport.stats().droppedInvalid).toBe(1)
    await expect(transport.request('ask', { body: 1 }, { timeout: seconds(10) })).rejects.toThrow(
      InvalidMessageError,
    )
  })
})

import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type AgentActor, startAgentActor } from '../../../actors/agent/actor.ts'
import type { DhcpEvent } from '../../../actors/agent/contracts.ts'
import { type ActorSystem, startActorSystem } from '../../../actors/system.ts'
import { LIMITED_BROADCAST_ADDRESS, UNSPECIFIED_ADDRESS } from '../../../src/api/values/ipv4-address.ts'
import { parseObjectKey } from '../../../src/api/values/object-key.ts'
import { later, minutes, seconds } from '../../../src/api/values/time.ts'
import { encodePacket } from '../../../src/dhcp/encode-packet.ts'
import { UnavailableError } from '../../../src/kube/errors.ts'
import type { Clock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import type { ReceivedDatagram } from '../../../transports/packets/packet-transport.ts'
import { discover, mac } from '../../dhcp/builders.ts'
import { poolObject } from '../../support/objects.ts'
import { ScriptedStore, type ScriptedWatch } from '../../support/scripted-store.ts'
import { MAC, OTHER_MAC, snapshot } from './builders.ts'

const log = pino({ level: 'silent' })
const parts = { clock: systemClock, random: systemRandom, log }

/** On a machine that is busy with others, too. */
const soon = (assertion: () => void) => vi.waitFor(assertion, 10_000)

test('what comes in one turn of the event loop is answered in one turn, and leaves the mailbox to the others', async () => {
  const { system, events, hear } = await startAgent()
  const before = system.stats().pending

  for (let count = 0; count < 500; count++) hear(OTHER_MAC)
  hear(MAC)

  expect(system.stats().pending).toBe(before + 1)
  await soon(() => expect(events).toHaveLength(501))
  expect(events.at(-1)).toMatchObject({ type: 'offer', macAddress: MAC })
})

test('more than can wait is dropped, and what comes after it is answered', async () => {
  const { events, hear } = await startAgent()
  for (let count = 0; count < 5_000; count++) hear(OTHER_MAC)
  await soon(() => expect(events.length).toBeGreaterThan(0))
  expect(events).toHaveLength(1_000)

  hear(MAC)

  await soon(() => expect(events.at(-1)).toMatchObject({ type: 'offer', macAddress: MAC }))
})

test('what the watch says while the mailbox is full is told again', async () => {
  const store = new ScriptedStore()
  const watches: ScriptedWatch[] = []
  store.answer = () => ({ items: [poolObject({ status: { ipv4: { revision: 6 } } })], resourceVersion: '1' })
  store.opened = (watch) => watches.push(watch)
  const { agent, fill } = await startAgent(store)
  await soon(() => expect(agent.leases()).toBe(0))
  const object = poolObject({
    metadata: { resourceVersion: '2' },
    status: { ipv4: { revision: 7, allocated: { '192.168.48.85': MAC } } },
  })

  fill(true)
  watches[0]?.send({ type: 'MODIFIED', object })
  fill(false)

  await soon(() => expect(agent.leases()).toBe(1))
})

test.each([
  [
    'of which somebody wrote the status by hand',
    { ...poolObject(), status: { agentPodRef: { name: 'x' } } },
    0,
  ],
  ['that is no IPPool at all', { metadata: { name: 'net-48', namespace: 'default' } }, 1],
])('an agent that reads an IPPool %s lives on', async (_, object, leases) => {
  const store = new ScriptedStore()
  store.answer = () => new Promise(() => {})
  const reads = vi.fn(async () => object)
  store.get = reads
  const { agent, events, hear } = await startAgent(store)

  // What the state file told is checked within seconds.
  await soon(() => expect(reads).toHaveBeenCalled())

  await soon(() => expect(agent.leases()).toBe(leases))
  hear(MAC)
  await soon(() => expect(events).toHaveLength(1))
})

test('an agent that hears nothing from the API server for minutes is not ready, and serves on', async () => {
  const store = new ScriptedStore()
  store.answer = () => Promise.reject(new UnavailableError(0, 'the API server is away'))
  let silence = minutes(0)
  const clock: Clock = { ...systemClock, now: () => later(systemClock.now(), silence) }
  const { agent, events, hear } = await startAgent(store, clock)

  silence = minutes(5)

  expect(agent.ready()).toEqual({
    ok: false,
    reasons: ['no word from the API server: what is served may be out of date'],
  })
  hear(MAC)
  await soon(() => expect(events.at(-1)).toMatchObject({ type: 'offer', macAddress: MAC }))
})

async function startAgent(
  store = new ScriptedStore(),
  clock: Clock = systemClock,
): Promise<{
  agent: AgentActor
  system: ActorSystem
  events: DhcpEvent[]
  fill: (full: boolean) => void
  hear: (macAddress: string) => void
}> {
  const system = startActorSystem({ ...parts, name: 'flooded' })
  let isFull = false
  const spawnDecider: ActorSystem['spawnDecider'] = (options) => {
    const actor = system.spawnDecider(options)
    return { ...actor, tell: (message) => !isFull && actor.tell(message) }
  }
  const events: DhcpEvent[] = []
  let listener: (datagram: ReceivedDatagram) => void = () => {}
  const agent = await startAgentActor({
    ...parts,
    clock,
    pool: parseObjectKey('default/net-48'),
    pod: { namespace: 'harvester-system', name: 'default-net-48-agent' },
    system: { ...system, spawnDecider },
    store,
    transport: createLocalTransport(parts),
    packets: {
      send() {},
      onDatagram(given) {
        listener = given
      },
      async close() {},
    },
    file: { read: async () => snapshot(), write: async () => {}, remove: async () => {} },
    onEvent: (_, event) => events.push(event),
  })
  onTestFinished(async () => {
    await agent.stop()
    await system.stopAll(seconds(0))
  })
  await soon(() => expect(agent.ready().ok).toBe(true))
  await soon(() => expect(system.stats().pending).toBe(0))
  return {
    agent,
    system,
    events,
    fill(full) {
      isFull = full
    },
    hear: (macAddress) =>
      listener({
        sourceAddress: UNSPECIFIED_ADDRESS,
        sourcePort: 68,
        destinationAddress: LIMITED_BROADCAST_ADDRESS,
        payload: encodePacket(discover({ mac: mac(macAddress) }), 1500),
      }),
  }
}

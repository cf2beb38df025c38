import { pino } from 'pino'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { milliseconds, seconds } from '../../../src/api/values/time.ts'
import {
  createSimulatedSegment,
  type ObservedPacket,
  type PacketFate,
  type SimulatedSegment,
} from '../../../transports/packets/simulated.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import {
  bytes,
  CLIENT_ADDRESS,
  packetTransportContract,
  SERVER_ADDRESS,
  toClient,
  toServer,
} from './contract.ts'
import { contractPeer } from './contract-peer.ts'

const log = pino({ level: 'silent' })
const ms = milliseconds
const ON_TIME: PacketFate = { delay: ms(1) }

packetTransportContract('simulated', async ({ clientHasAddress }) => {
  const clock = new ManualClock()
  const wire = createSimulatedSegment({
    schedule: (_receiver, delay, action) => clock.after(delay, action),
    fate: () => [ON_TIME],
  })
  const arrived = () => clock.advance(ms(1))
  const address = clientHasAddress ? { address: CLIENT_ADDRESS } : {}
  return {
    server: contractPeer(wire.attach({ name: 'server', port: 67, address: SERVER_ADDRESS, log }), arrived),
    client: contractPeer(wire.attach({ name: 'client', port: 68, ...address, log }), arrived),
    close: async () => {},
  }
})

let clock: ManualClock
let wire: SimulatedSegment
let observed: ObservedPacket[]
/** The fates of the next datagrams, `from → to`; one copy after 1 ms where nothing is said. */
let fates: Map<string, PacketFate[][]>
beforeEach(() => {
  clock = new ManualClock()
  observed = []
  fates = new Map()
  wire = createSimulatedSegment({
    schedule: (_receiver, delay, action) => clock.after(delay, action),
    fate: (from, to) => fates.get(`${from} → ${to}`)?.shift() ?? [ON_TIME],
    observe: (packet) => observed.push(packet),
  })
})

function attach(name: string, port: number, address?: string) {
  const transport = wire.attach({
    name,
    port,
    log,
    ...(address !== undefined && { address: parseIPv4Address(address) }),
  })
  return contractPeer(transport, () => clock.advance(seconds(1)))
}

const sizes = (peer: { received: readonly { payload: Uint8Array }[] }) =>
  peer.received.map(({ payload }) => payload.length)

describe('a datagram', () => {
  test('broadcast is lost for one receiver, reaches the next, and comes twice to a third', async () => {
    const server = attach('server', 67)
    const clients = ['one', 'two', 'three'].map((name) => attach(name, 68))
    fates.set('server → one', [[]])
    fates.set('server → three', [[{ delay: ms(2) }, { delay: ms(9) }]])
    server.transport.send(toClient({ payload: bytes(5) }))
    await clock.advance(seconds(1))
    expect(clients.map(sizes)).toEqual([[], [5], [5, 5]])
    expect(observed.map(({ from, to, arrivals }) => [from, to, arrivals])).toEqual([
      ['server', 'one', []],
      ['server', 'two', [1]],
      ['server', 'three', [2, 9]],
    ])
  })

  test('that takes longer is overtaken; those that take as long arrive as they were sent', async () => {
    const server = attach('server', 67)
    const client = attach('client', 68)
    fates.set('client → server', [[{ delay: ms(9) }]])
    for (const size of [9, 1, 2, 3]) client.transport.send(toServer({ payload: bytes(size) }))
    await clock.advance(seconds(1))
    expect(sizes(server)).toEqual([1, 2, 3, 9])
  })

  test('that is corrupted for one receiver, or in one copy, is whole for the others and for its sender', async () => {
    const [one, two] = [attach('one', 67), attach('two', 67)]
    const client = attach('client', 68)
    const corrupt = (payload: Uint8Array) => payload.fill(0xff, 0, 1)
    fates.set('client → one', [[{ delay: ms(1), corrupt }, { delay: ms(2) }]])
    const payload = bytes(3)
    client.transport.send(toServer({ payload }))
    await clock.advance(seconds(1))
    const damaged = Uint8Array.from([0xff, ...bytes(3).slice(1)])
    expect(one.received.map((datagram) => datagram.payload)).toEqual([damaged, bytes(3)])
    expect(two.received.map((datagram) => datagram.payload)).toEqual([bytes(3)])
    expect(payload).toEqual(bytes(3))
  })

  test('to one address asks nothing of the way to the others', async () => {
    const server = attach('server', 67)
    const [here] = [attach('here', 68, '192.168.48.81'), attach('there', 68, '192.168.48.82')]
    server.transport.send(toClient({ destinationAddress: CLIENT_ADDRESS, payload: bytes(1) }))
    await clock.advance(seconds(1))
    expect(sizes(here)).toEqual([1])
    expect(observed.map(({ to }) => to)).toEqual(['here'])
  })

  test('is not heard by who gave the address up while it was on its way', async () => {
    const server = attach('server', 67)
    const transport = wire.attach({ name: 'client', port: 68, address: CLIENT_ADDRESS, log })
    const client = contractPeer(transport, async () => {})
    server.transport.send(toClient({ destinationAddress: CLIENT_ADDRESS, payload: bytes(1) }))
    transport.setAddress(undefined)
    await clock.advance(seconds(1))
    expect(client.received).toEqual([])
  })

  test('to the port of its sender reaches the others on it, not its sender', async () => {
    const [one, other] = [attach('one', 67), attach('other', 67)]
    one.transport.send(toServer({ sourcePort: 67, payload: bytes(1) }))
    await clock.advance(seconds(1))
    expect([sizes(one), sizes(other)]).toEqual([[], [1]])
  })

  test('of a client does not reach other clients', async () => {
    const client = attach('client', 68)
    const other = attach('other', 68)
    client.transport.send(toServer({ payload: bytes(1) }))
    await clock.advance(seconds(1))
    expect(other.received).toEqual([])
    expect((await other.counters()).dropped['other-port']).toBe(1)
    expect(observed).toEqual([])
  })
})

test('a process that was killed neither sends nor hears, also what was on its way; its next life does', async () => {
  const client = attach('client', 68)
  const first = attach('server', 67)
  client.transport.send(toServer({ payload: bytes(1) }))
  wire.drop('server')
  first.transport.send(toClient({ payload: bytes(2) }))
  const second = attach('server', 67)
  client.transport.send(toServer({ payload: bytes(3) }))
  await clock.advance(seconds(1))
  expect([sizes(first), sizes(second), sizes(client)]).toEqual([[], [3], []])
})

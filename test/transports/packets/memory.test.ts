import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createMemorySegment, type MemoryPacketTransport } from '../../../transports/packets/memory.ts'
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

packetTransportContract('memory', async ({ clientHasAddress }) => {
  const wire = createMemorySegment()
  const server = peer(wire.attach({ port: 67, address: SERVER_ADDRESS, log }))
  const client = peer(wire.attach({ port: 68, ...(clientHasAddress && { address: CLIENT_ADDRESS }), log }))
  return { server, client, close: async () => {} }
})

test('a broadcast reaches everybody but its sender', async () => {
  const wire = createMemorySegment()
  const server = wire.attach({ port: 67, log })
  const clients = [1, 2, 3].map(() => peer(wire.attach({ port: 68, log })))
  server.send(toClient({ payload: bytes(5) }))
  await settled()
  expect(clients.map((client) => client.received.length)).toEqual([1, 1, 1])
})

test('unicast to a client that has no address yet is lost, as on a real network', async () => {
  const wire = createMemorySegment()
  const server = wire.attach({ port: 67, address: SERVER_ADDRESS, log })
  const transport = wire.attach({ port: 68, log })
  const client = peer(transport)
  server.send(toClient({ destinationAddress: CLIENT_ADDRESS, payload: bytes(1) }))
  await settled()
  transport.setAddress(CLIENT_ADDRESS)
  server.send(toClient({ destinationAddress: CLIENT_ADDRESS, payload: bytes(2) }))
  await settled()
  expect(client.received.map((datagram) => datagram.payload.length)).toEqual([2])
})

test('a sender that uses its buffer again does not change what was sent', async () => {
  const wire = createMemorySegment()
  const server = peer(wire.attach({ port: 67, log }))
  const client = wire.attach({ port: 68, log })
  const payload = bytes(4)
  client.send(toServer({ payload }))
  payload.fill(0)
  await settled()
  expect(server.received[0]?.payload).toEqual(bytes(4))
})

test('a datagram that nobody listens for is counted', async () => {
  const wire = createMemorySegment()
  const server = wire.attach({ port: 67, log })
  wire.attach({ port: 68, log }).send(toServer({ payload: bytes(1) }))
  await settled()
  expect(server.counters.dropped['no-listener']).toBe(1)
})

const peer = (transport: MemoryPacketTransport) => contractPeer(transport, settled)

/** All microtasks that are under way have run. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  parseIPv4Address,
  UNSPECIFIED_ADDRESS,
} from '../../../src/api/values/ipv4-address.ts'
import type { PacketCounters } from '../../../transports/packets/counters.ts'
import type {
  OutgoingDatagram,
  PacketTransport,
  ReceivedDatagram,
} from '../../../transports/packets/packet-transport.ts'

/** One side of a segment as a contract test sees it. */
export interface ContractPeer {
  readonly transport: PacketTransport
  /** What the listener was told so far. */
  readonly received: readonly ReceivedDatagram[]
  /** Resolves once `received` holds that many; a test that waits in vain times out. */
  untilReceived(count: number): Promise<void>
  counters(): Promise<PacketCounters>
  /** The listener throws for the next datagram. */
  throwOnce(): void
}

/** A server with an address on port 67, a client with one on port 68. MTU 1500. */
export interface ContractSegment {
  readonly server: ContractPeer
  readonly client: ContractPeer
  close(): Promise<void>
}

export const SERVER_ADDRESS = parseIPv4Address('192.168.48.77')
export const CLIENT_ADDRESS = parseIPv4Address('192.168.48.81')

/** What every PacketTransport must do, run on each of them. */
export function packetTransportContract(
  kind: string,
  openSegment: (options: { clientHasAddress: boolean }) => Promise<ContractSegment>,
): void {
  describe(`packet transport contract: ${kind}`, () => {
    let segment: ContractSegment
    beforeEach(async () => {
      segment = await openSegment({ clientHasAddress: true })
    })
    afterEach(() => segment.close())

    test('the server hears the broadcast of a client without an address', async () => {
      const addressless = await openSegment({ clientHasAddress: false })
      const { server, client } = addressless
      client.transport.send(toServer({ payload: bytes(300) }))
      await server.untilReceived(1)
      expect(server.received).toEqual([
        {
          sourceAddress: UNSPECIFIED_ADDRESS,
          sourcePort: 68,
          destinationAddress: LIMITED_BROADCAST_ADDRESS,
          payload: bytes(300),
        },
      ])
      await addressless.close()
    })

    test('the client hears a broadcast of the server', async () => {
      const { server, client } = segment
      server.transport.send(toClient({ payload: bytes(240) }))
      await client.untilReceived(1)
      expect(client.received[0]).toMatchObject({ sourceAddress: SERVER_ADDRESS, sourcePort: 67 })
      expect(client.received[0]?.payload).toEqual(bytes(240))
    })

    test('unicast reaches the address that it is sent to, both ways', async () => {
      const { server, client } = segment
      client.transport.send(
        toServer({ sourceAddress: CLIENT_ADDRESS, destinationAddress: SERVER_ADDRESS, payload: bytes(250) }),
      )
      await server.untilReceived(1)
      server.transport.send(toClient({ destinationAddress: CLIENT_ADDRESS, payload: bytes(260) }))
      await client.untilReceived(1)
      expect(server.received[0]).toMatchObject({
        sourceAddress: CLIENT_ADDRESS,
        destinationAddress: SERVER_ADDRESS,
      })
      expect(client.received[0]?.destinationAddress).toBe(CLIENT_ADDRESS)
    })

    test('a datagram to another port is not reported', async () => {
      const { server, client } = segment
      client.transport.send(toServer({ destinationPort: 69, payload: bytes(1) }))
      client.transport.send(toServer({ payload: bytes(2) }))
      await server.untilReceived(1)
      expect(server.received.map((datagram) => datagram.payload.length)).toEqual([2])
      expect((await server.counters()).dropped['other-port']).toBe(1)
    })

    test('datagrams arrive in order, and a payload stays as it was when the next ones come', async () => {
      const { server, client } = segment
      const sizes = Array.from({ length: 100 }, (_, index) => 200 + index)
      for (const size of sizes) client.transport.send(toServer({ payload: bytes(size) }))
      await server.untilReceived(sizes.length)
      expect(server.received.map((datagram) => datagram.payload)).toEqual(sizes.map(bytes))
    })

    test.each([0, 1, 241, 576, 1472])('a payload of %i bytes arrives whole', async (size) => {
      const { server, client } = segment
      client.transport.send(toServer({ payload: bytes(size) }))
      await server.untilReceived(1)
      expect(server.received[0]?.payload).toEqual(bytes(size))
    })

    test('padding after the end option is part of the payload', async () => {
      const { server, client } = segment
      const padded = new Uint8Array(548)
      padded[240] = 255
      client.transport.send(toServer({ payload: padded }))
      await server.untilReceived(1)
      expect(server.received[0]?.payload).toEqual(padded)
    })

    test.each([1473, 65_507, 70_000])(
      'a payload of %i bytes, too large to send, is counted',
      async (size) => {
        const { server, client } = segment
        client.transport.send(toServer({ payload: bytes(size) }))
        client.transport.send(toServer({ payload: bytes(10) }))
        await server.untilReceived(1)
        expect(server.received[0]?.payload).toHaveLength(10)
        expect((await client.counters()).sendFailures['message-too-long']).toBe(1)
        expect((await client.counters()).sent).toBe(1)
      },
    )

    test('a listener that throws loses its datagram only', async () => {
      const { server, client } = segment
      server.throwOnce()
      client.transport.send(toServer({ payload: bytes(1) }))
      client.transport.send(toServer({ payload: bytes(2) }))
      await server.untilReceived(1)
      expect(server.received[0]?.payload).toHaveLength(2)
      expect((await server.counters()).dropped['listener-failed']).toBe(1)
      expect((await server.counters()).received).toBe(2)
    })

    test('after close nothing is heard or sent, and closing again is fine', async () => {
      const { server, client } = segment
      await server.transport.close()
      await server.transport.close()
      client.transport.send(toServer({ payload: bytes(1) }))
      server.transport.send(toClient({ payload: bytes(2) }))
      expect((await server.counters()).sendFailures.closed).toBe(1)
      expect(server.received).toEqual([])
      expect(client.received).toEqual([])
    })
  })
}

export function toServer(datagram: Partial<OutgoingDatagram>): OutgoingDatagram {
  return addressed(UNSPECIFIED_ADDRESS, 68, 67, datagram)
}

export function toClient(datagram: Partial<OutgoingDatagram>): OutgoingDatagram {
  return addressed(SERVER_ADDRESS, 67, 68, datagram)
}

/** A pattern in which a missing, moved or foreign byte shows. */
export function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255)
}

function addressed(
  sourceAddress: IPv4Address,
  sourcePort: number,
  destinationPort: number,
  datagram: Partial<OutgoingDatagram>,
): OutgoingDatagram {
  return {
    sourceAddress,
    sourcePort,
    destinationAddress: LIMITED_BROADCAST_ADDRESS,
    destinationPort,
    payload: new Uint8Array(),
    ...datagram,
  }
}

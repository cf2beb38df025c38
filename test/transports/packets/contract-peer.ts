import { expect } from 'vitest'
import type { CountingPacketTransport } from '../../../transports/packets/counters.ts'
import type { ReceivedDatagram } from '../../../transports/packets/packet-transport.ts'
import type { ContractPeer } from './contract.ts'

/** One side of a segment inside this process; `arrived`: what was sent so far has arrived. */
export function contractPeer(
  transport: CountingPacketTransport,
  arrived: () => Promise<unknown>,
): ContractPeer {
  const received: ReceivedDatagram[] = []
  let failNext = false
  transport.onDatagram((datagram) => {
    if (failNext) {
      failNext = false
      throw new Error('the listener failed')
    }
    received.push(datagram)
  })
  return {
    transport,
    received,
    async untilReceived(count) {
      await arrived()
      expect(received.length).toBeGreaterThanOrEqual(count)
    },
    counters: async () => transport.counters,
    throwOnce: () => {
      failNext = true
    },
  }
}

import type { PacketCounters } from '../../../transports/packets/counters.ts'
import type { OutgoingDatagram, ReceivedDatagram } from '../../../transports/packets/packet-transport.ts'

export type ToHost =
  | { type: 'send'; datagram: OutgoingDatagram; times?: number }
  | { type: 'counters' }
  | { type: 'throw-once' }
  | { type: 'quiet' }
  | { type: 'collect-garbage' }
  | { type: 'block'; milliseconds: number }
  | { type: 'close' }

export type FromHost =
  | { type: 'open' }
  | { type: 'failed'; name: string; message: string }
  | { type: 'datagram'; datagram: ReceivedDatagram }
  | { type: 'counters'; received: number; counters: PacketCounters }
  | { type: 'garbage-collected' }
  | { type: 'closed' }
  | { type: 'log'; line: string }

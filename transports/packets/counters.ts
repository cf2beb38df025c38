import type { PacketDefect } from './ipv4-udp.ts'
import type { PacketTransport } from './packet-transport.ts'

/** `other-port`: a datagram for somebody else, the normal case on a busy interface. */
export type DropReason = PacketDefect | 'other-port' | 'no-listener' | 'listener-failed'

export type SendFailure =
  | 'message-too-long'
  | 'network-unreachable'
  | 'interface-gone'
  | 'queue-full'
  | 'not-permitted'
  | 'closed'
  | 'other'

/** Read by /metrics; only the transport writes. Counts never go down. */
export interface PacketCounters {
  received: number
  sent: number
  readonly dropped: Record<DropReason, number>
  readonly sendFailures: Record<SendFailure, number>
  /** How often the socket was bound again because its interface came back, or opened again after it broke. */
  rebinds: number
}

export interface CountingPacketTransport extends PacketTransport {
  readonly counters: Readonly<PacketCounters>
}

export function newPacketCounters(): PacketCounters {
  return {
    received: 0,
    sent: 0,
    dropped: {
      truncated: 0,
      'not-ipv4': 0,
      'not-udp': 0,
      fragment: 0,
      'bad-length': 0,
      'other-port': 0,
      'no-listener': 0,
      'listener-failed': 0,
    },
    sendFailures: {
      'message-too-long': 0,
      'network-unreachable': 0,
      'interface-gone': 0,
      'queue-full': 0,
      'not-permitted': 0,
      closed: 0,
      other: 0,
    },
    rebinds: 0,
  }
}

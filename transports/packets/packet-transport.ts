import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'

/**
 * UDP datagrams to and from the DHCP ports on exactly one network interface.
 * Implementations never receive from, or send to, another interface.
 */
export interface PacketTransport {
  /** One listener; what it throws is logged and counted. `payload` is the listener's to keep. */
  onDatagram(listener: (datagram: ReceivedDatagram) => void): void
  /** Sends without waiting. Failures are counted and logged; DHCP clients send again. */
  send(datagram: OutgoingDatagram): void
  close(): Promise<void>
}

export interface ReceivedDatagram {
  sourceAddress: IPv4Address
  sourcePort: number
  destinationAddress: IPv4Address
  payload: Uint8Array
}

export interface OutgoingDatagram {
  sourceAddress: IPv4Address
  sourcePort: number
  destinationAddress: IPv4Address
  destinationPort: number
  payload: Uint8Array
}

import type { Logger } from 'pino'
import { type IPv4Address, LIMITED_BROADCAST_ADDRESS } from '../../src/api/values/ipv4-address.ts'
import { type CountingPacketTransport, newPacketCounters, type PacketCounters } from './counters.ts'
import type { OutgoingDatagram, ReceivedDatagram } from './packet-transport.ts'

export interface MemorySegmentOptions {
  /** The largest IPv4 packet, headers included. */
  mtu?: number
}

export interface AttachOptions {
  /** Only datagrams to this UDP port are reported. */
  port: number
  /** Unicast reaches only who has the address; a client without one hears broadcasts. */
  address?: IPv4Address
  log: Logger
}

export interface MemoryPacketTransport extends CountingPacketTransport {
  /** From now on unicast to `address` arrives here. */
  setAddress(address: IPv4Address | undefined): void
}

/** An Ethernet segment in one process, loss-free: datagrams arrive in order, after the sender's current task. */
export interface MemorySegment {
  attach(options: AttachOptions): MemoryPacketTransport
}

const HEADERS = 28

export function createMemorySegment(options: MemorySegmentOptions = {}): MemorySegment {
  const mtu = options.mtu ?? 1500
  const attached = new Set<MemoryPort>()

  function carry(datagram: OutgoingDatagram, sender: MemoryPort): void {
    const copy = { ...datagram, payload: new Uint8Array(datagram.payload) }
    queueMicrotask(() => {
      for (const port of attached) if (port !== sender) port.deliver(copy)
    })
  }

  return {
    attach(attachOptions) {
      const port: MemoryPort = new MemoryPort(attachOptions, {
        mtu,
        carry: (datagram) => carry(datagram, port),
        detach: () => attached.delete(port),
      })
      attached.add(port)
      return port
    },
  }
}

interface Wire {
  readonly mtu: number
  carry(datagram: OutgoingDatagram): void
  detach(): void
}

class MemoryPort implements MemoryPacketTransport {
  readonly counters: PacketCounters = newPacketCounters()
  readonly #port: number
  readonly #log: Logger
  readonly #wire: Wire
  #address: IPv4Address | undefined
  #listener: ((datagram: ReceivedDatagram) => void) | undefined
  #closed = false

  constructor(options: AttachOptions, wire: Wire) {
    this.#port = options.port
    this.#log = options.log
    this.#address = options.address
    this.#wire = wire
  }

  setAddress(address: IPv4Address | undefined): void {
    this.#address = address
  }

  onDatagram(listener: (datagram: ReceivedDatagram) => void): void {
    this.#listener = listener
  }

  send(datagram: OutgoingDatagram): void {
    if (this.#closed) {
      this.counters.sendFailures.closed++
    } else if (datagram.payload.length + HEADERS > this.#wire.mtu) {
      this.counters.sendFailures['message-too-long']++
    } else {
      this.counters.sent++
      this.#wire.carry(datagram)
    }
  }

  deliver(datagram: OutgoingDatagram): void {
    const { sourceAddress, sourcePort, destinationAddress, destinationPort } = datagram
    if (this.#closed) return
    if (destinationAddress !== LIMITED_BROADCAST_ADDRESS && destinationAddress !== this.#address) return
    if (destinationPort !== this.#port) {
      this.counters.dropped['other-port']++
    } else if (this.#listener === undefined) {
      this.counters.dropped['no-listener']++
    } else {
      this.counters.received++
      try {
        const payload = new Uint8Array(datagram.payload)
        this.#listener({ sourceAddress, sourcePort, destinationAddress, payload })
      } catch (error) {
        this.counters.dropped['listener-failed']++
        this.#log.error({ err: error }, 'handling a datagram failed')
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wire.detach()
  }
}

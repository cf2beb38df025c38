import type { Logger } from 'pino'
import type { Duration } from '../../src/api/values/time.ts'
import { type IPv4Address, LIMITED_BROADCAST_ADDRESS } from '../../src/api/values/ipv4-address.ts'
import { type CountingPacketTransport, newPacketCounters, type PacketCounters } from './counters.ts'
import type { OutgoingDatagram, ReceivedDatagram } from './packet-transport.ts'

/** What decides the way of datagrams: all chance and all time of a segment. */
export interface PacketNetwork {
  /**
   * Runs `action` at the receiver after `delay`, and never when that is dead by then. MUST run what falls due at one
   * moment in the order in which it was scheduled, and MUST NOT run it before this call has returned.
   */
  schedule(receiver: string, delay: Duration, action: () => void): void
  /** The copies of one datagram that reach one receiver; none: it is lost. */
  fate(from: string, to: string): readonly PacketFate[]
  /** Told of every datagram and each of its receivers, for a trace. */
  observe?(packet: ObservedPacket): void
}

export interface PacketFate {
  readonly delay: Duration
  /** Flips bytes; it may change what it is given. */
  readonly corrupt?: (payload: Uint8Array) => Uint8Array
}

export interface ObservedPacket {
  readonly from: string
  readonly to: string
  readonly datagram: OutgoingDatagram
  /** The delay of each copy; none: it is lost. */
  readonly arrivals: readonly Duration[]
}

export interface SegmentOptions {
  /** The largest IPv4 packet, headers included; 1500 if not given. */
  mtu?: number
}

export interface AttachOptions {
  /** Only datagrams to this UDP port are reported. */
  port: number
  /** Unicast reaches only who has the address; a client without one hears broadcasts. */
  address?: IPv4Address
  log: Logger
}

export interface SimulatedPacketTransport extends CountingPacketTransport {
  /** From now on unicast to `address` arrives here. */
  setAddress(address: IPv4Address | undefined): void
}

/** An Ethernet segment in one process. A broadcast reaches everybody on its port but its sender. */
export interface SimulatedSegment {
  /** @param options.name by which the network knows the receiver; it may have several ports */
  attach(options: AttachOptions & { name: string }): SimulatedPacketTransport
  /** The process was killed: nothing goes in or out any more. */
  drop(name: string): void
}

const HEADERS = 28

export function createSimulatedSegment(
  network: PacketNetwork,
  { mtu = 1500 }: SegmentOptions = {},
): SimulatedSegment {
  const attached = new Set<Port>()

  function carry(given: OutgoingDatagram, sender: Port): void {
    const datagram = { ...given, payload: new Uint8Array(given.payload) }
    for (const receiver of attached) {
      if (receiver === sender || !receiver.hears(datagram)) continue
      const copies = network.fate(sender.name, receiver.name)
      const arrivals = copies.map((copy) => copy.delay)
      network.observe?.({ from: sender.name, to: receiver.name, datagram, arrivals })
      for (const { delay, corrupt } of copies) {
        network.schedule(receiver.name, delay, () => {
          const payload = new Uint8Array(datagram.payload)
          receiver.deliver({ ...datagram, payload: corrupt ? corrupt(payload) : payload })
        })
      }
    }
  }

  return {
    attach(options) {
      const port: Port = new Port(options, {
        mtu,
        carry: (datagram) => carry(datagram, port),
        detach: () => attached.delete(port),
      })
      attached.add(port)
      return port
    },
    drop(name) {
      for (const port of [...attached]) if (port.name === name) void port.close()
    },
  }
}

interface Wire {
  readonly mtu: number
  carry(datagram: OutgoingDatagram): void
  detach(): void
}

class Port implements SimulatedPacketTransport {
  readonly name: string
  readonly counters: PacketCounters = newPacketCounters()
  readonly #port: number
  readonly #log: Logger
  readonly #wire: Wire
  #address: IPv4Address | undefined
  #listener: ((datagram: ReceivedDatagram) => void) | undefined
  #closed = false

  constructor(options: AttachOptions & { name: string }, wire: Wire) {
    this.name = options.name
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

  /** Whether a datagram on the wire is for this port; what is for this host and another port is counted. */
  hears({ destinationAddress, destinationPort }: OutgoingDatagram): boolean {
    if (!this.#isMine(destinationAddress)) return false
    if (destinationPort === this.#port) return true
    this.counters.dropped['other-port']++
    return false
  }

  deliver({ sourceAddress, sourcePort, destinationAddress, payload }: OutgoingDatagram): void {
    // The address may have gone while the datagram was on its way.
    if (this.#closed || !this.#isMine(destinationAddress)) return
    if (this.#listener === undefined) {
      this.counters.dropped['no-listener']++
      return
    }
    this.counters.received++
    try {
      this.#listener({ sourceAddress, sourcePort, destinationAddress, payload })
    } catch (error) {
      this.counters.dropped['listener-failed']++
      this.#log.error({ err: error }, 'handling a datagram failed')
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wire.detach()
  }

  #isMine(destination: IPv4Address): boolean {
    return destination === LIMITED_BROADCAST_ADDRESS || destination === this.#address
  }
}

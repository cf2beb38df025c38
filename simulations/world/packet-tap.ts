import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { MalformedPacketError } from '../../src/dhcp/errors.ts'
import { getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress, type DhcpPacket } from '../../src/dhcp/packet.ts'
import type { OutgoingDatagram } from '../../transports/packets/packet-transport.ts'
import type { ObservedPacket } from '../../transports/packets/simulated.ts'
import type { ClientEvent } from '../clients/events.ts'
import type { SentReply } from '../invariants/invariant.ts'
import type { TraceRecorder } from '../trace/recorder.ts'
import type { Guests, RunningClient } from './guests.ts'
import { EPOCH } from './machine.ts'
import type { Scheduler } from './scheduler.ts'

export interface PacketTapParts {
  trace: TraceRecorder
  scheduler: Scheduler
  replied(reply: SentReply): void
  clients(): Guests
}

type LeaseEvent = Extract<ClientEvent, { type: 'bound' | 'renewed' | 'lost' }>

/** Reads every packet of a network, for the trace and for what watches over the servers. */
export class PacketTap {
  readonly #parts: PacketTapParts
  /** A broadcast is observed once for each receiver: it is read once. */
  #last: { datagram: OutgoingDatagram; packet: DhcpPacket | undefined } | undefined

  constructor(parts: PacketTapParts) {
    this.#parts = parts
  }

  observe(network: string, { from, to, datagram, arrivals }: ObservedPacket): void {
    const isFirst = this.#last?.datagram !== datagram
    const packet = isFirst ? parse(datagram.payload) : this.#last?.packet
    this.#last = { datagram, packet }
    if (packet === undefined) return
    const isReply = from.startsWith('agent-')
    if (isReply && isFirst) this.#parts.replied({ agent: from, network, packet })
    const mac = clientMacAddress(packet)
    // A broadcast reply is everybody's to hear, and one's to heed.
    if (!to.startsWith('agent-') && this.#parts.clients().find(to)?.mac !== mac) return
    const about = [...(mac === undefined ? [] : [mac]), ...addressesOf(packet)]
    const entry = { kind: 'packet', who: from, to, text: describe(packet), about } as const
    if (arrivals.length === 0) this.#parts.trace.add(entry)
    for (const delay of arrivals) {
      this.#parts.trace.add({ ...entry, arrivesAt: this.#parts.scheduler.now + delay })
    }
  }

  lease({ name, mac }: RunningClient, event: LeaseEvent): void {
    const address = formatIPv4Address(event.address)
    const text =
      event.type === 'lost'
        ? `gives up ${address}: ${event.why}`
        : `${event.type} ${address} until ${((event.until - EPOCH) / 1000).toFixed(3)} s`
    this.#parts.trace.add({ kind: 'lease', who: name, text, about: [mac, address] })
  }
}

function parse(payload: Uint8Array): DhcpPacket | undefined {
  try {
    return decodePacket(payload)
  } catch (error) {
    if (error instanceof MalformedPacketError) return undefined
    throw error
  }
}

function addressesOf({ yiaddr, ciaddr, options }: DhcpPacket): string[] {
  const addresses = [yiaddr, ciaddr, getOption(options, 'requestedAddress') ?? 0]
  return addresses
    .filter((address) => address !== 0)
    .map((address) => formatIPv4Address(address as typeof yiaddr))
}

function describe(packet: DhcpPacket): string {
  const type = getOption(packet.options, 'messageType') ?? packet.op
  return [type, ...addressesOf(packet)].join(' ')
}

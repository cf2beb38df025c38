import { pino } from 'pino'
import { answer } from '../../../actors/agent/answer.ts'
import { applyDelta, openLeaseTable } from '../../../actors/agent/lease-table.ts'
import type { LeaseTable } from '../../../actors/agent/state.ts'
import { type ClientDisk, type DhcpClient, startDhcpClient } from '../../../simulations/clients/client.ts'
import type { ClientEvent } from '../../../simulations/clients/events.ts'
import type { ClientHabits } from '../../../simulations/clients/habits.ts'
import {
  formatIPv4Address,
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
} from '../../../src/api/values/ipv4-address.ts'
import { type Duration, type Instant, milliseconds } from '../../../src/api/values/time.ts'
import { decodePacket } from '../../../src/dhcp/decode-packet.ts'
import { encodePacket } from '../../../src/dhcp/encode-packet.ts'
import type { MessageType } from '../../../src/dhcp/message-type.ts'
import { encodeOptions, getOption, type OptionValues } from '../../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../../src/dhcp/packet.ts'
import { createMemorySegment } from '../../../transports/packets/memory.ts'
import type { OutgoingDatagram, ReceivedDatagram } from '../../../transports/packets/packet-transport.ts'
import { snapshot } from '../../actors/agent/builders.ts'
import { ip, mac } from '../../dhcp/builders.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { poolObject } from '../../support/objects.ts'
import { seededRandom } from '../../support/seeded-random.ts'

export const MAC = mac('ca:70:82:e6:84:6e')
export const ADDRESS = ip('192.168.48.84')
export const SERVER = ip('192.168.48.77')

const log = pino({ level: 'silent' })
const ONE_WAY = milliseconds(1)

export interface Seen {
  readonly at: Instant
  /** The client's, by its own account. */
  readonly state: ReturnType<DhcpClient['state']>
  readonly to: IPv4Address
  readonly from: IPv4Address
  readonly packet: DhcpPacket
}

export interface Told {
  readonly at: Instant
  /** Of the interface. */
  readonly address: IPv4Address | undefined
  readonly event: ClientEvent
}

/** What becomes of a datagram: one or more copies, each with how much later it comes. */
export type Fate = (datagram: OutgoingDatagram) => readonly { extra: Duration; payload: Uint8Array }[]

/** One client, and the agent's own data path as the server, on a wire of a millisecond each way. */
export class Lab {
  readonly clock = new ManualClock()
  readonly disk: ClientDisk = {}
  readonly sent: Seen[] = []
  readonly told: Told[] = []
  /** When the agent acknowledged which address. */
  readonly acknowledged: { readonly at: Instant; readonly address: IPv4Address }[] = []
  fate: Fate = ({ payload }) => [{ extra: milliseconds(0), payload }]
  /** Whether the agent runs. */
  serving = true
  /** In place of the agent. */
  server: ((request: DhcpPacket, datagram: ReceivedDatagram) => void) | undefined
  client: DhcpClient
  assigned = formatIPv4Address(ADDRESS)
  #address: IPv4Address | undefined
  readonly #habits: ClientHabits
  readonly #table: LeaseTable
  readonly #wire = createMemorySegment()
  readonly #serverPort = this.#wire.attach({ port: 67, address: SERVER, log })
  readonly #stranger = this.#wire.attach({ port: 68, log })
  readonly #random
  #clientPort = this.#attachClient()

  constructor(habits: ClientHabits, options: { seed?: number; leaseSeconds?: number } = {}) {
    this.#habits = habits
    this.#random = seededRandom(options.seed ?? 1)
    const pool = poolObject({ ipv4Config: { leaseTime: options.leaseSeconds ?? 300 } })
    this.#table = openLeaseTable(snapshot({ spec: pool.spec }), 'read', undefined)
    this.#serverPort.onDatagram((datagram) => this.#serve(datagram))
    this.client = this.#start()
  }

  /** The guest boots again, on the same wire and with the same disk. */
  async reboot(): Promise<void> {
    this.client.stop()
    await this.#clientPort.close()
    this.#clientPort = this.#attachClient()
    this.client = this.#start()
  }

  /** The pool gives the MAC another address. */
  move(to: string): void {
    const { uid, revision, generation } = this.#table.snapshot
    const leases = { [this.assigned]: null, [to]: MAC }
    this.assigned = to
    applyDelta(this.#table, {
      uid,
      previousRevision: revision,
      revision: revision + 1,
      generation,
      leases,
    })
  }

  pass(duration: Duration): Promise<void> {
    return this.clock.advance(duration)
  }

  /** From the server, to everybody: an answer to `request` as of a sane server, but for what is said here. */
  reply(
    request: DhcpPacket,
    values: Partial<OptionValues>,
    changes: Partial<DhcpPacket> = {},
    without: readonly number[] = [],
  ): void {
    const options = encodeOptions({
      serverIdentifier: SERVER,
      leaseTime: 300,
      subnetMask: ip('255.255.255.0'),
      routers: [ip('192.168.48.1')],
      ...values,
    })
    for (const code of without) options.delete(code)
    const ciaddr = ip('0.0.0.0')
    const packet: DhcpPacket = { ...request, op: 'BOOTREPLY', yiaddr: ADDRESS, ciaddr, options, ...changes }
    this.broadcast(encodePacket(packet))
  }

  /** A stranger says something on the wire: both the server and the client may hear it. */
  say(datagram: OutgoingDatagram): void {
    this.#stranger.send(datagram)
  }

  broadcast(payload: Uint8Array): void {
    this.#serverPort.send({
      sourceAddress: SERVER,
      sourcePort: 67,
      destinationAddress: LIMITED_BROADCAST_ADDRESS,
      destinationPort: 68,
      payload,
    })
  }

  /** Message types that were sent, with what tells the server the client's state. */
  asked(): string[] {
    return this.sent.map(({ packet, to }) => describeRequest(packet, to))
  }

  events<Type extends ClientEvent['type']>(...types: Type[]): Extract<ClientEvent, { type: Type }>[] {
    return this.told
      .map(({ event }) => event)
      .filter((event): event is Extract<ClientEvent, { type: Type }> =>
        types.some((type) => type === event.type),
      )
  }

  #start(): DhcpClient {
    return startDhcpClient({
      name: 'vm-1/nic-0',
      mac: MAC,
      packets: {
        onDatagram: (listener) => this.#clientPort.onDatagram(listener),
        send: (datagram) => this.#send(datagram),
        setAddress: (address) => {
          this.#address = address
          this.#clientPort.setAddress(address)
        },
        close: () => this.#clientPort.close(),
      },
      clock: this.clock,
      random: this.#random,
      habits: this.#habits,
      disk: this.disk,
      observe: (event) => this.told.push({ at: this.clock.now(), address: this.#address, event }),
    })
  }

  #attachClient() {
    return this.#wire.attach({ port: 68, log })
  }

  #send(datagram: OutgoingDatagram): void {
    const { sourceAddress: from, destinationAddress: to, payload } = datagram
    this.sent.push({
      at: this.clock.now(),
      state: this.client.state(),
      from,
      to,
      packet: decodePacket(payload),
    })
    const port = this.#clientPort
    this.#carry(datagram, (copy) => port.send(copy))
  }

  #carry(datagram: OutgoingDatagram, put: (datagram: OutgoingDatagram) => void): void {
    for (const { extra, payload } of this.fate(datagram)) {
      this.clock.after(milliseconds(ONE_WAY + extra), () => put({ ...datagram, payload }))
    }
  }

  #serve(datagram: ReceivedDatagram): void {
    if (!this.serving) return
    if (this.server !== undefined) return this.server(decodePacket(datagram.payload), datagram)
    for (const effect of answer(this.#table, datagram, this.clock.now())) {
      if (effect.type !== 'send') continue
      const reply = decodePacket(effect.datagram.payload)
      if (typeOf(reply) === 'ACK') this.acknowledged.push({ at: this.clock.now(), address: reply.yiaddr })
      this.#carry(effect.datagram, (copy) => this.#serverPort.send(copy))
    }
  }
}

/** RFC 2131 §4.3.6, table 4: the state of a client as its request shows it. */
export function describeRequest(packet: DhcpPacket, to: IPv4Address): string {
  const type = getOption(packet.options, 'messageType')
  if (type !== 'REQUEST') return String(type)
  if (packet.ciaddr !== 0) return to === LIMITED_BROADCAST_ADDRESS ? 'REQUEST rebinding' : 'REQUEST renewing'
  const chosen = getOption(packet.options, 'serverIdentifier') !== undefined
  return chosen ? 'REQUEST selecting' : 'REQUEST init-reboot'
}

export function typeOf(packet: DhcpPacket): MessageType | undefined {
  return getOption(packet.options, 'messageType')
}

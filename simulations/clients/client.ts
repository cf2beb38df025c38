import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, macAddressToBytes } from '../../src/api/values/mac-address.ts'
import { between, type Instant, milliseconds } from '../../src/api/values/time.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import { MalformedPacketError } from '../../src/dhcp/errors.ts'
import { CLIENT_PORT, clientMacAddress, type DhcpPacket, FIELDS, SERVER_PORT } from '../../src/dhcp/packet.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import type { Random } from '../../src/runtime/random.ts'
import type { PacketTransport } from '../../transports/packets/packet-transport.ts'
import { decide, initialClientState } from './decide.ts'
import type { ClientEvent } from './events.ts'
import type { ClientHabits } from './habits.ts'
import type { ClientEffect, ClientMessage, Drawn } from './messages.ts'
import { type ClientState, type HeldLease, leaseOf, type RememberedLease, wakeAt } from './state.ts'

/** A port on a network segment, as a MemoryPacketTransport is. */
export interface ClientPackets extends PacketTransport {
  /** From now on unicast to `address` arrives here. */
  setAddress(address: IPv4Address | undefined): void
}

/** What a guest's disk keeps over reboots. */
export interface ClientDisk {
  lease?: RememberedLease
}

export interface DhcpClientOptions {
  /** For example `vm-3/nic-0`. */
  readonly name: string
  readonly mac: MacAddress
  /** On port 68; whoever made it closes it. */
  readonly packets: ClientPackets
  readonly clock: Clock
  readonly random: Random
  readonly habits: ClientHabits
  /** The client writes to it. */
  readonly disk: ClientDisk
  /** It goes on where another one was; else it begins. */
  readonly memory?: ClientState
  observe(event: ClientEvent): void
}

export interface DhcpClient {
  readonly name: string
  /** RFC 2131 §4.4, figure 5; or RELEASED, or STOPPED. */
  state(): ClientState['phase']['name']
  lease(): HeldLease | undefined
  /** All that it knows, as a snapshot of the guest has it. */
  memory(): ClientState
  /** Replies that were thrown away: damaged ones, and those to others. */
  readonly ignored: Readonly<Record<'corrupt' | 'foreign', number>>
  /** Sends a RELEASE for what it holds, forgets it, and rests until `restart`. */
  release(): void
  restart(): void
  /** The power is cut: nothing is sent, and no timer is left. The disk keeps what it has. */
  stop(): void
}

/** A DHCP client on one interface of a VM guest; it begins at once. */
export function startDhcpClient(options: DhcpClientOptions): DhcpClient {
  return new Client(options)
}

const BOOTREPLY = 2

class Client implements DhcpClient {
  readonly name: string
  readonly ignored = { corrupt: 0, foreign: 0 }
  readonly #options: DhcpClientOptions
  readonly #hardwareAddress: Uint8Array
  #state: ClientState
  #wakesAt: Instant | undefined
  #cancelWake: Cancel = () => {}

  constructor(options: DhcpClientOptions) {
    this.name = options.name
    this.#options = options
    this.#hardwareAddress = macAddressToBytes(options.mac)
    const { clock, disk, packets, memory } = options
    this.#state = memory ?? initialClientState(options, disk.lease, clock.now(), this.#draw())
    packets.setAddress(this.lease()?.address)
    packets.onDatagram(({ payload }) => this.#receive(payload))
    this.#scheduleWake()
  }

  state(): ClientState['phase']['name'] {
    return this.#state.phase.name
  }

  lease(): HeldLease | undefined {
    return leaseOf(this.#state)
  }

  memory(): ClientState {
    return this.#state
  }

  release(): void {
    this.#handle({ type: 'release', drawn: this.#draw() })
  }

  restart(): void {
    this.#handle({ type: 'restart', drawn: this.#draw() })
  }

  stop(): void {
    this.#handle({ type: 'stop' })
  }

  #receive(payload: Uint8Array): void {
    if (this.#state.phase.name === 'STOPPED') return
    const packet = this.#parse(payload)
    if (packet !== undefined) this.#handle({ type: 'reply', packet, drawn: this.#draw() })
  }

  #parse(payload: Uint8Array): DhcpPacket | undefined {
    if (this.#isForeign(payload)) {
      this.ignored.foreign++
      return undefined
    }
    try {
      const packet = decodePacket(payload)
      if (packet.op === 'BOOTREPLY' && clientMacAddress(packet) === this.#options.mac) return packet
      this.ignored.foreign++
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error
      this.ignored.corrupt++
    }
    return undefined
  }

  /** Every client hears every broadcast: what is another's is not decoded. */
  #isForeign(payload: Uint8Array): boolean {
    if (payload.length < FIELDS.options) return false
    return (
      payload[FIELDS.op] !== BOOTREPLY ||
      this.#hardwareAddress.some((byte, index) => payload[FIELDS.chaddr.offset + index] !== byte)
    )
  }

  #handle(message: ClientMessage): void {
    const { state, effects } = decide(this.#state, message, this.#options.clock.now())
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    this.#scheduleWake()
  }

  #carryOut(effect: ClientEffect): void {
    const { packets, disk } = this.#options
    switch (effect.type) {
      case 'send':
        packets.send({
          sourceAddress: effect.from,
          sourcePort: CLIENT_PORT,
          destinationAddress: effect.to,
          destinationPort: SERVER_PORT,
          payload: encodePacket(effect.packet),
        })
        break
      case 'use':
        packets.setAddress(effect.address)
        break
      case 'remember':
        if (effect.lease === undefined) delete disk.lease
        else disk.lease = effect.lease
        break
      case 'tell':
        this.#options.observe(effect.event)
        break
    }
  }

  /** One timer, set anew only when the moment has changed. */
  #scheduleWake(): void {
    const at = wakeAt(this.#state)
    if (at === this.#wakesAt) return
    this.#cancelWake()
    this.#cancelWake = () => {}
    this.#wakesAt = Number.isFinite(at) ? at : undefined
    if (this.#wakesAt === undefined) return
    const { clock } = this.#options
    const delay = milliseconds(Math.max(Math.ceil(between(clock.now(), at)), 0))
    this.#cancelWake = clock.after(delay, () => {
      this.#wakesAt = undefined
      this.#handle({ type: 'tick', drawn: this.#draw() })
    })
  }

  #draw(): Drawn {
    const { random } = this.#options
    return { xid: Math.floor(random.next() * 2 ** 32), fraction: random.next() }
  }
}

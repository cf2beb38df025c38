import type { PacketTransport } from '../../transports/packets/packet-transport.ts'
import {
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  UNSPECIFIED_ADDRESS,
} from '../api/values/ipv4-address.ts'
import type { MacAddress } from '../api/values/mac-address.ts'
import { type Duration, milliseconds, seconds } from '../api/values/time.ts'
import { clientRequest } from '../dhcp/client-request.ts'
import { decodePacket } from '../dhcp/decode-packet.ts'
import { encodePacket } from '../dhcp/encode-packet.ts'
import { MalformedPacketError } from '../dhcp/errors.ts'
import { getOption, OPTIONS, type OptionValues } from '../dhcp/options.ts'
import {
  BROADCAST_FLAG,
  CLIENT_PORT,
  clientMacAddress,
  type DhcpPacket,
  SERVER_PORT,
} from '../dhcp/packet.ts'
import type { Cancel, Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { ClientLease } from './clients/lease.ts'

/** No server gave an address in time. */
export class NoLeaseError extends Error {
  override readonly name = 'NoLeaseError'
  constructor(
    readonly mac: MacAddress,
    readonly waitedFor: 'OFFER' | 'ACK',
    timeout: Duration,
  ) {
    super(`no DHCP${waitedFor} for ${mac} within ${timeout / 1000} s`)
  }
}

export interface SmallClientOptions {
  /** Listens on port 68, on an interface without an address. */
  transport: PacketTransport
  mac: MacAddress
  clock: Clock
  random: Random
  timeout?: Duration
}

const DEFAULT_TIMEOUT = seconds(30)
const FIRST_RETRY = seconds(1)
const LONGEST_RETRY = seconds(8)
const WANTED: readonly (keyof OptionValues)[] = [
  'subnetMask',
  'routers',
  'dnsServers',
  'domainName',
  'domainSearch',
  'ntpServers',
]

/**
 * Gets a lease as a client that starts without one (RFC 2131 §3.1): DISCOVER, OFFER, REQUEST, ACK.
 * It takes the first offer, and sends again until it is answered. It does not renew.
 * @throws NoLeaseError
 */
export function acquireLease(options: SmallClientOptions): Promise<ClientLease> {
  return new Promise((resolve, reject) => {
    const exchange = new Exchange(options, (outcome) => {
      if (outcome instanceof NoLeaseError) reject(outcome)
      else resolve(outcome)
    })
    exchange.start()
  })
}

class Exchange {
  readonly #options: SmallClientOptions
  readonly #finish: (outcome: ClientLease | NoLeaseError) => void
  readonly #xid: number
  #offer: { address: IPv4Address; server: IPv4Address } | undefined
  #retryAfter = FIRST_RETRY
  #cancelRetry: Cancel = () => {}
  #cancelTimeout: Cancel = () => {}
  #done = false

  constructor(options: SmallClientOptions, finish: (outcome: ClientLease | NoLeaseError) => void) {
    this.#options = options
    this.#finish = finish
    this.#xid = Math.floor(options.random.next() * 2 ** 32)
  }

  start(): void {
    const { clock, transport, mac, timeout = DEFAULT_TIMEOUT } = this.#options
    this.#cancelTimeout = clock.after(timeout, () =>
      this.#end(new NoLeaseError(mac, this.#offer === undefined ? 'OFFER' : 'ACK', timeout)),
    )
    transport.onDatagram((datagram) => this.#receive(datagram.payload))
    this.#sendUntilAnswered()
  }

  /** RFC 2131 §4.1: wait twice as long each time, and not exactly as long as others do. */
  #sendUntilAnswered(): void {
    this.#send()
    const { clock, random } = this.#options
    const delay = milliseconds(this.#retryAfter * (0.9 + 0.2 * random.next()))
    this.#retryAfter = milliseconds(Math.min(this.#retryAfter * 2, LONGEST_RETRY))
    this.#cancelRetry = clock.after(delay, () => this.#sendUntilAnswered())
  }

  #next(): void {
    this.#cancelRetry()
    this.#retryAfter = FIRST_RETRY
    this.#sendUntilAnswered()
  }

  #send(): void {
    const question: Partial<OptionValues> =
      this.#offer === undefined
        ? { messageType: 'DISCOVER' }
        : {
            messageType: 'REQUEST',
            requestedAddress: this.#offer.address,
            serverIdentifier: this.#offer.server,
          }
    const wanted = WANTED.map((name) => OPTIONS[name].code)
    const { transport, mac } = this.#options
    const request = clientRequest({
      mac,
      xid: this.#xid,
      flags: BROADCAST_FLAG,
      options: { ...question, parameterRequestList: wanted },
    })
    transport.send({
      sourceAddress: UNSPECIFIED_ADDRESS,
      sourcePort: CLIENT_PORT,
      destinationAddress: LIMITED_BROADCAST_ADDRESS,
      destinationPort: SERVER_PORT,
      payload: encodePacket(request),
    })
  }

  #receive(payload: Uint8Array): void {
    const packet = this.#parse(payload)
    if (this.#done || packet === undefined) return
    const server = getOption(packet.options, 'serverIdentifier')
    if (server === undefined) return
    const type = getOption(packet.options, 'messageType')
    if (type === 'OFFER' && this.#offer === undefined) {
      this.#offer = { address: packet.yiaddr, server }
      this.#next()
    } else if (server === this.#offer?.server && type === 'NAK') {
      this.#offer = undefined
      // RFC 2131 §4.4.1: start over, after a pause that keeps an insistent server from a busy loop.
      this.#cancelRetry()
      this.#cancelRetry = this.#options.clock.after(FIRST_RETRY, () => this.#next())
    } else if (server === this.#offer?.server && type === 'ACK') {
      this.#end(readLease(packet))
    }
  }

  #parse(payload: Uint8Array): DhcpPacket | undefined {
    try {
      const packet = decodePacket(payload)
      const isOurs = packet.op === 'BOOTREPLY' && packet.xid === this.#xid
      return isOurs && clientMacAddress(packet) === this.#options.mac ? packet : undefined
    } catch (error) {
      if (error instanceof MalformedPacketError) return undefined
      throw error
    }
  }

  #end(outcome: ClientLease | NoLeaseError): void {
    if (this.#done) return
    this.#done = true
    this.#cancelRetry()
    this.#cancelTimeout()
    this.#finish(outcome)
  }
}

function readLease({ yiaddr, options }: DhcpPacket): ClientLease {
  return {
    address: yiaddr,
    subnetMask: getOption(options, 'subnetMask'),
    routers: getOption(options, 'routers') ?? [],
    dnsServers: getOption(options, 'dnsServers') ?? [],
    domainName: getOption(options, 'domainName'),
    domainSearch: getOption(options, 'domainSearch') ?? [],
    ntpServers: getOption(options, 'ntpServers') ?? [],
    leaseSeconds: getOption(options, 'leaseTime'),
    serverIdentifier: getOption(options, 'serverIdentifier'),
  }
}

import type { Logger } from 'pino'
import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import { seconds } from '../../src/api/values/time.ts'
import { listInterfaces } from '../../src/network/interfaces.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import {
  type CountingPacketTransport,
  type DropReason,
  newPacketCounters,
  type PacketCounters,
  type SendFailure,
} from './counters.ts'
import {
  type DeviceSocket,
  type DeviceSocketOptions,
  loadRawSocketModule,
  openDeviceSocket,
} from './device-socket.ts'
import { DatagramTooLargeError, InterfaceNotFoundError, PacketPermissionError } from './errors.ts'
import { decodeIPv4Udp, encodeIPv4Udp, type UdpPacket } from './ipv4-udp.ts'
import type { OutgoingDatagram, ReceivedDatagram } from './packet-transport.ts'
import { createUdpSink, type UdpSink } from './udp-sink.ts'

export interface RawSocketTransportOptions {
  interfaceName: string
  /** Only datagrams to this UDP port are reported: 67 for a server, 68 for a client. */
  port: number
  /** The server's own address: see udp-sink.ts. */
  sinkAddress?: IPv4Address
  clock: Clock
  log: Logger
}

/** As many packets an event as still leave room for timers and the control plane in between. */
const BATCH = 32
const INTERFACE_CHECK = seconds(1)
const LOG_AGAIN_AFTER = seconds(60)

/**
 * DHCP datagrams on one network interface, through a raw socket.
 *
 * Unicast works only to addresses that answer ARP: to a client without an address, broadcast.
 * A source address of 0.0.0.0 stays only while the interface has no address: else the kernel fills one in.
 * An interface that is deleted and made again is found again within a second.
 * @throws PacketPermissionError
 * @throws InterfaceNotFoundError
 * @throws RawSocketUnavailableError
 * @throws PacketSocketError
 */
export async function openRawSocketTransport(
  options: RawSocketTransportOptions,
): Promise<CountingPacketTransport> {
  const rawSocket = await loadRawSocketModule()
  return startRawSocketTransport(options, (socketOptions) => openDeviceSocket(rawSocket, socketOptions))
}

/** The same over any kind of DeviceSocket. */
export function startRawSocketTransport(
  options: RawSocketTransportOptions,
  openSocket: (options: DeviceSocketOptions) => DeviceSocket,
): CountingPacketTransport {
  return new RawSocketTransport(options, openSocket)
}

class RawSocketTransport implements CountingPacketTransport {
  readonly counters: PacketCounters = newPacketCounters()
  readonly #port: number
  readonly #interfaceName: string
  readonly #clock: Clock
  readonly #log: Logger
  readonly #openSocket: (options: DeviceSocketOptions) => DeviceSocket
  readonly #sink: UdpSink | undefined
  readonly #lastLogged = new Map<string, number>()
  #socket: DeviceSocket | undefined
  #listener: ((datagram: ReceivedDatagram) => void) | undefined
  #cancelCheck: Cancel = () => {}
  #absent = false
  #closed = false

  constructor(
    options: RawSocketTransportOptions,
    openSocket: (options: DeviceSocketOptions) => DeviceSocket,
  ) {
    this.#port = options.port
    this.#interfaceName = options.interfaceName
    this.#clock = options.clock
    this.#log = options.log.child({ interface: options.interfaceName, port: options.port })
    this.#openSocket = openSocket
    try {
      this.#socket = this.#open()
    } catch (cause) {
      throw explainOpenFailure(options.interfaceName, cause)
    }
    this.#sink =
      options.sinkAddress === undefined
        ? undefined
        : createUdpSink(options.sinkAddress, options.port, this.#log)
    this.#sink?.ensure()
    this.#scheduleCheck()
  }

  onDatagram(listener: (datagram: ReceivedDatagram) => void): void {
    this.#listener = listener
  }

  send(datagram: OutgoingDatagram): void {
    const failure = this.#send(datagram)
    if (failure === undefined) {
      this.counters.sent++
      return
    }
    this.counters.sendFailures[failure]++
    this.#logSometimes(failure, () =>
      this.#log.warn(
        { reason: failure, bytes: datagram.payload.length, failures: this.counters.sendFailures[failure] },
        'datagram not sent',
      ),
    )
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelCheck()
    this.#sink?.close()
    this.#socket?.close()
    this.#socket = undefined
  }

  #send(datagram: OutgoingDatagram): SendFailure | undefined {
    if (this.#closed) return 'closed'
    if (this.#socket === undefined) return 'interface-gone'
    try {
      return this.#socket.send(encodeIPv4Udp(datagram), datagram.destinationAddress)
    } catch (error) {
      if (error instanceof DatagramTooLargeError) return 'message-too-long'
      throw error
    }
  }

  #open(): DeviceSocket {
    return this.#openSocket({
      interfaceName: this.#interfaceName,
      onReadable: () => this.#socket?.receive(BATCH, this.#take),
      onBroken: (error) => {
        this.#log.warn({ reason: error.message }, 'raw socket broke, opening another')
        this.#socket?.close()
        this.#socket = undefined
      },
      onSmallBuffer: (granted) =>
        this.#log.warn(
          { bytes: granted },
          'small receive buffer: bursts of DISCOVERs may be lost (needs NET_ADMIN, or a larger net.core.rmem_max)',
        ),
    })
  }

  readonly #take = (packet: Uint8Array): void => {
    const decoded = decodeIPv4Udp(packet)
    if (typeof decoded === 'string') {
      this.#drop(decoded)
    } else if (decoded.destinationPort !== this.#port) {
      this.#drop('other-port')
    } else if (this.#listener === undefined) {
      this.#drop('no-listener')
    } else {
      this.counters.received++
      this.#report(decoded, this.#listener)
    }
  }

  #report(packet: UdpPacket, listener: (datagram: ReceivedDatagram) => void): void {
    const { sourceAddress, sourcePort, destinationAddress } = packet
    try {
      // The receive buffer is used again for the next packet: the listener gets a copy.
      const payload = new Uint8Array(packet.payload)
      listener({ sourceAddress, sourcePort, destinationAddress, payload })
    } catch (error) {
      this.#drop('listener-failed')
      this.#logSometimes('listener-failed', () =>
        this.#log.error({ err: error }, 'handling a datagram failed'),
      )
    }
  }

  #drop(reason: DropReason): void {
    this.counters.dropped[reason]++
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#clock.after(INTERFACE_CHECK, () => {
      this.#checkInterface()
      if (!this.#closed) this.#scheduleCheck()
    })
  }

  /** A socket stays bound to the index of an interface, which a new one of the same name does not have. */
  #checkInterface(): void {
    this.#sink?.ensure()
    if (this.#socket?.isBound() === true) return
    if (this.#bindAgain()) {
      this.counters.rebinds++
      this.#absent = false
      this.#log.info('interface is back, listening again')
    } else if (!this.#absent) {
      this.#absent = true
      this.#log.warn({ present: listInterfaces() }, 'interface is gone, waiting for it')
    }
  }

  #bindAgain(): boolean {
    if (this.#socket !== undefined) return this.#socket.rebind()
    try {
      this.#socket = this.#open()
      return true
    } catch (error) {
      this.#logSometimes('open-failed', () => this.#log.warn({ err: error }, 'cannot open the raw socket'))
      return false
    }
  }

  /** One line a minute for each kind: what goes wrong for every packet must not fill the disk. */
  #logSometimes(kind: string, write: () => void): void {
    const now = this.#clock.now()
    const last = this.#lastLogged.get(kind)
    if (last !== undefined && now - last < LOG_AGAIN_AFTER) return
    this.#lastLogged.set(kind, now)
    write()
  }
}

/** raw-socket's errors carry no code, only strerror's text. */
function explainOpenFailure(interfaceName: string, error: unknown): unknown {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
  const options = { cause: error }
  if (/^(Operation not permitted|Permission denied)/.test(reason)) {
    return new PacketPermissionError(interfaceName, options)
  }
  const present = listInterfaces()
  if (!present.includes(interfaceName)) return new InterfaceNotFoundError(interfaceName, present, options)
  return error
}

import { createRequire } from 'node:module'
import type { createSocket, Socket } from 'raw-socket'
import { formatIPv4Address, type IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { SendFailure } from './counters.ts'
import { PacketSocketError, RawSocketUnavailableError } from './errors.ts'

/** IPv4 packets with UDP in them, from and to one network device. */
export interface DeviceSocket {
  /**
   * Hands over up to `limit` waiting packets. `packet` is valid until `take` returns.
   * SHOULD be called after `onReadable`, which comes again while packets wait.
   */
  receive(limit: number, take: (packet: Uint8Array) => void): void
  /** @returns what went wrong, or undefined when the kernel took the packet */
  send(packet: Uint8Array, destination: IPv4Address): SendFailure | undefined
  /** Whether the device that it is bound to still exists under its name. */
  isBound(): boolean
  /** Binds to the device that has the name now. @returns false when there is none */
  rebind(): boolean
  close(): void
}

export interface DeviceSocketOptions {
  interfaceName: string
  onReadable: () => void
  /** The socket is of no use any more: close it and open another. */
  onBroken: (error: Error) => void
  /** The wished receive buffer was not granted; `granted` bytes hold. */
  onSmallBuffer: (granted: number) => void
}

const PROTOCOL_UDP = 17
const SOL_SOCKET = 1
const SO_BROADCAST = 6
const SO_RCVBUF = 8
const SO_BINDTODEVICE = 25
const SO_RCVBUFFORCE = 33
const IPPROTO_IP = 0
const IP_HDRINCL = 3

const INTERFACE_NAME_SIZE = 16
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024
/** The default queue holds a few thousand packets at most; more than this can only be fresh ones. */
const MAX_EARLY_PACKETS = 16_384

/** What is used of the module. */
export interface RawSocketModule {
  createSocket: typeof createSocket
}

/** Only the text of strerror(3) comes through: glibc and musl word some of them differently. */
const FAILURES: readonly (readonly [RegExp, SendFailure])[] = [
  [/^Message too (long|large)/, 'message-too-long'],
  [/^(Network (is )?unreachable|No route to host|Host is unreachable)/, 'network-unreachable'],
  [/^(No such device|Network is down)/, 'interface-gone'],
  [/^(Resource temporarily unavailable|No buffer space available)/, 'queue-full'],
  [/^(Operation not permitted|Permission denied)/, 'not-permitted'],
]

/** An open socket without a reference from here would be garbage-collected and go deaf without a sign. */
const openSockets = new Set<Socket>()

/**
 * Loaded on demand, because a process without raw sockets (webhook, controller) needs no native module.
 * The module works in the main thread or in one worker, not in both.
 * @throws RawSocketUnavailableError
 */
export async function loadRawSocketModule(): Promise<RawSocketModule> {
  try {
    // Not by import(): where it comes while the process is still starting, Node.js 20 was seen to hand out the module
    // before its code had run, without a single export.
    const module: RawSocketModule = createRequire(import.meta.url)('raw-socket')
    return module
  } catch (cause) {
    throw new RawSocketUnavailableError({ cause })
  }
}

/** @throws PacketSocketError whose `cause` holds the kernel's reason */
export function openDeviceSocket(rawSocket: RawSocketModule, options: DeviceSocketOptions): DeviceSocket {
  let socket: Socket
  try {
    socket = rawSocket.createSocket({ protocol: PROTOCOL_UDP, bufferSize: 1 })
  } catch (cause) {
    throw new PacketSocketError(options.interfaceName, { cause })
  }
  const { wrap } = socket
  try {
    bindToDevice(socket, options.interfaceName)
    discardEarlyPackets(socket)
    wrap.setOption(SOL_SOCKET, SO_BROADCAST, 1)
    wrap.setOption(IPPROTO_IP, IP_HDRINCL, 1)
    growReceiveBuffer(socket, options.onSmallBuffer)
  } catch (cause) {
    wrap.close()
    throw new PacketSocketError(options.interfaceName, { cause })
  }
  wrap.removeAllListeners('recvReady')
  wrap.removeAllListeners('error')
  wrap.on('recvReady', options.onReadable)
  wrap.on('error', options.onBroken)
  openSockets.add(socket)
  return new BoundDeviceSocket(socket, options.interfaceName)
}

class BoundDeviceSocket implements DeviceSocket {
  readonly #socket: Socket
  readonly #interfaceName: string
  readonly #buffer = Buffer.allocUnsafe(0xffff)
  readonly #noteBytes = (_buffer: Buffer, bytes: number) => {
    this.#bytes = bytes
  }
  #bytes = 0
  #open = true

  constructor(socket: Socket, interfaceName: string) {
    this.#socket = socket
    this.#interfaceName = interfaceName
  }

  receive(limit: number, take: (packet: Uint8Array) => void): void {
    for (let count = 0; count < limit && this.#open; count++) {
      try {
        this.#socket.wrap.recv(this.#buffer, this.#noteBytes)
      } catch {
        return
      }
      take(this.#buffer.subarray(0, this.#bytes))
    }
  }

  send(packet: Uint8Array, destination: IPv4Address): SendFailure | undefined {
    if (!this.#open) return 'closed'
    try {
      this.#socket.wrap.send(packet, 0, packet.length, formatIPv4Address(destination), ignoreBytes)
      return undefined
    } catch (error) {
      return classifyFailure(error)
    }
  }

  isBound(): boolean {
    if (!this.#open) return false
    const name = Buffer.alloc(INTERFACE_NAME_SIZE)
    try {
      const length = this.#socket.wrap.getOption(SOL_SOCKET, SO_BINDTODEVICE, name, name.length)
      return name.toString('utf8', 0, Math.max(0, length - 1)) === this.#interfaceName
    } catch {
      return false
    }
  }

  rebind(): boolean {
    if (!this.#open) return false
    try {
      bindToDevice(this.#socket, this.#interfaceName)
      return true
    } catch {
      return false
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    openSockets.delete(this.#socket)
    this.#socket.wrap.close()
  }
}

/** The kernel takes an empty name for "any device" and cuts off a long one: neither may get that far. */
function bindToDevice(socket: Socket, interfaceName: string): void {
  if (interfaceName === '' || Buffer.byteLength(interfaceName) >= INTERFACE_NAME_SIZE) {
    throw new Error('No such device')
  }
  const name = Buffer.from(`${interfaceName}\0`)
  socket.wrap.setOption(SOL_SOCKET, SO_BINDTODEVICE, name, name.length)
}

/** The socket exists before it is bound: what came until then may be from any interface. */
function discardEarlyPackets(socket: Socket): void {
  const buffer = Buffer.allocUnsafe(1)
  try {
    for (let count = 0; count < MAX_EARLY_PACKETS; count++) socket.wrap.recv(buffer, ignoreBytes)
  } catch {
    // "Resource temporarily unavailable": the queue is empty.
  }
}

/** With the default buffer 2,869 of 10,000 DISCOVERs sent back to back are heard; with 8 MB all of them. */
function growReceiveBuffer(socket: Socket, onSmallBuffer: (granted: number) => void): void {
  try {
    socket.wrap.setOption(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
  } catch {
    socket.wrap.setOption(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    const granted = Buffer.alloc(4)
    socket.wrap.getOption(SOL_SOCKET, SO_RCVBUF, granted, granted.length)
    // The kernel doubles the number for its own book-keeping and reports the doubled one (socket(7)).
    if (granted.readInt32LE() < RECEIVE_BUFFER_BYTES * 2) onSmallBuffer(granted.readInt32LE() / 2)
  }
}

function classifyFailure(error: unknown): SendFailure {
  const text = error instanceof Error ? error.message : ''
  return FAILURES.find(([pattern]) => pattern.test(text))?.[1] ?? 'other'
}

function ignoreBytes(): void {}

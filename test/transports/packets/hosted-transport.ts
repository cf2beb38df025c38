import type { ChildProcess } from 'node:child_process'
import type { IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { NetworkNamespace } from '../../../src/lab/namespace.ts'
import type { PacketCounters } from '../../../transports/packets/counters.ts'
import type {
  OutgoingDatagram,
  PacketTransport,
  ReceivedDatagram,
} from '../../../transports/packets/packet-transport.ts'
import { bundleForNode } from '../../lab/bundle.ts'
import type { FromHost, ToHost } from './host-messages.ts'

let bundle: Promise<string> | undefined

export class HostFailedError extends Error {
  override readonly name = 'HostFailedError'
  constructor(
    readonly errorName: string,
    message: string,
  ) {
    super(message)
  }
}

/** A raw-socket transport inside a namespace, driven from the test. */
export class HostedTransport implements PacketTransport {
  readonly received: ReceivedDatagram[] = []
  readonly logLines: string[] = []
  readonly #child: ChildProcess
  readonly #waiting = new Set<(message: FromHost) => void>()
  #listener: (datagram: ReceivedDatagram) => void = () => {}

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message: FromHost) => {
      if (message.type === 'log') this.logLines.push(message.line)
      if (message.type === 'datagram') {
        this.received.push(message.datagram)
        this.#listener(message.datagram)
      }
      for (const waiter of this.#waiting) waiter(message)
    })
  }

  static async open(
    namespace: NetworkNamespace,
    options: { interfaceName: string; port: number; sinkAddress?: IPv4Address; withoutRights?: boolean },
  ): Promise<HostedTransport> {
    bundle ??= bundleForNode('test/transports/packets/transport-host.ts')
    const args = [await bundle, options.interfaceName, String(options.port)]
    if (options.sinkAddress !== undefined) args.push(String(options.sinkAddress))
    const drop = options.withoutRights === true ? ['--bounding-set', '-net_raw'] : []
    const child = namespace.spawn('setpriv', [...drop, process.execPath, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    const hosted = new HostedTransport(child)
    const first = await hosted.next((message) => message.type === 'open' || message.type === 'failed')
    if (first.type === 'failed') throw new HostFailedError(first.name, first.message)
    return hosted
  }

  onDatagram(listener: (datagram: ReceivedDatagram) => void): void {
    this.#listener = listener
  }

  send(datagram: OutgoingDatagram): void {
    this.sendMany(datagram, 1)
  }

  sendMany(datagram: OutgoingDatagram, times: number): void {
    this.tell({ type: 'send', datagram, times })
  }

  tell(message: ToHost): void {
    if (this.#child.connected) this.#child.send(message)
  }

  async counters(): Promise<{ received: number; counters: PacketCounters }> {
    const answer = this.next((message) => message.type === 'counters')
    this.tell({ type: 'counters' })
    const message = await answer
    if (message.type !== 'counters') throw new Error('unreachable')
    return message
  }

  async collectGarbage(): Promise<void> {
    const answer = this.next((message) => message.type === 'garbage-collected')
    this.tell({ type: 'collect-garbage' })
    await answer
  }

  /** Closes the socket; the process stays, so that the test can see that nothing more is heard. */
  async close(): Promise<void> {
    if (!this.#child.connected) return
    const answer = this.next((message) => message.type === 'closed')
    this.tell({ type: 'close' })
    await answer
  }

  next(matches: (message: FromHost) => boolean): Promise<FromHost> {
    return new Promise((resolve) => {
      const waiter = (message: FromHost) => {
        if (!matches(message)) return
        this.#waiting.delete(waiter)
        resolve(message)
      }
      this.#waiting.add(waiter)
    })
  }

  /** Until `condition` holds; it is looked at whenever the host says something. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.next(() => true)
  }
}

import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import { milliseconds } from '../../src/api/values/time.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import type { Random } from '../../src/runtime/random.ts'
import type { PacketTransport } from '../../transports/packets/packet-transport.ts'
import { type Lie, tellLie, type Victim } from './lies.ts'

export interface LiarOptions {
  /** Whoever made it closes it. */
  readonly packets: PacketTransport
  readonly clock: Clock
  readonly random: Random
  readonly everyMs: number
  /** The true clients of the network, and where the server is, as of now. */
  known(): readonly Victim[]
  server(): IPv4Address
  observe(lie: Lie): void
}

export interface Liar {
  stop(): void
}

/**
 * A hostile client, which says something false every so often and heeds no answer. It holds nothing: what it is
 * acknowledged under another's MAC is that one's, who knows by the transaction ID that it did not ask.
 */
export function startLiar(options: LiarOptions): Liar {
  const { packets, clock, random } = options
  const every = milliseconds(options.everyMs)
  let cancel: Cancel = () => {}
  // It hears everything, so that answers to it are no packets without a listener.
  packets.onDatagram(() => {})

  function lie(): void {
    const told = tellLie({ random, server: options.server(), victims: options.known() })
    options.observe(told)
    packets.send(told.datagram)
    cancel = clock.after(every, lie)
  }
  cancel = clock.after(every, lie)
  return { stop: () => cancel() }
}

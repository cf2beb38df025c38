import type { Logger } from 'pino'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { toInstant } from '../../src/api/values/time.ts'
import type { ReceivedDatagram } from '../../transports/packets/packet-transport.ts'
import type { SimulatedPacketTransport, SimulatedSegment } from '../../transports/packets/simulated.ts'
import { type ClientDisk, type DhcpClient, startDhcpClient } from '../clients/client.ts'
import type { ClientEvent } from '../clients/events.ts'
import type { ClientHabits } from '../clients/habits.ts'
import type { ClientState } from '../clients/state.ts'
import type { NicPlan } from '../plan/operations.ts'
import type { Chance } from './chance.ts'
import type { GuestClock } from './guest-clock.ts'

/** A DHCP client in a running guest. */
export interface RunningClient {
  /** `client vm-3/nic-0` */
  readonly name: string
  readonly vm: string
  readonly network: string
  readonly mac: string
  readonly since: number
  readonly client: DhcpClient
}

/** A NIC that is plugged into a running guest, with its client. */
export interface GuestPort {
  readonly nic: NicPlan
  readonly running: RunningClient
  readonly disk: ClientDisk
  readonly clock: GuestClock
  readonly packets: SimulatedPacketTransport
  /** Its node is lost, and it runs on there. */
  isStranded: boolean
  isCutOff: boolean
  /** The API knows nothing of it any more: who says so has promised that it does not run. */
  isDisowned: boolean
}

export interface PlugOptions {
  readonly name: string
  readonly vm: string
  readonly nic: NicPlan
  readonly segment: SimulatedSegment
  readonly log: Logger
  readonly since: number
  readonly clock: GuestClock
  readonly random: Chance
  readonly habits: ClientHabits
  readonly disk: ClientDisk
  readonly memory?: ClientState
  /** What the client does, by true time. */
  observe(client: RunningClient, event: ClientEvent): void
}

const CLIENT_PORT = 68

export function plugIn(options: PlugOptions): GuestPort {
  const { name, vm, nic, segment, log, since, clock, random, habits, disk, memory, observe } = options
  const packets = segment.attach({ name, port: CLIENT_PORT, log })
  const { network, mac } = nic
  const said: ClientEvent[] = []
  let port: GuestPort | undefined
  const client = startDhcpClient({
    name: name.slice('client '.length),
    mac: parseMacAddress(mac),
    packets: {
      send: (datagram) => packets.send(datagram),
      setAddress: (address) => packets.setAddress(address),
      close: () => packets.close(),
      onDatagram: (listener: (datagram: ReceivedDatagram) => void) =>
        packets.onDatagram((datagram) => {
          if (!clock.isStanding) listener(datagram)
        }),
    },
    clock,
    random,
    habits,
    disk,
    ...(memory === undefined ? {} : { memory }),
    // A client begins to speak before it can be named.
    observe(event) {
      if (port === undefined) said.push(event)
      else if (!port.isDisowned) observe(port.running, byTrueTime(event, clock))
    },
  })
  const running: RunningClient = { name, vm, network, mac, since, client }
  port = { nic, running, disk, clock, packets, isStranded: false, isCutOff: false, isDisowned: false }
  for (const event of said) observe(running, byTrueTime(event, clock))
  return port
}

function byTrueTime(event: ClientEvent, clock: GuestClock): ClientEvent {
  if (event.type !== 'bound' && event.type !== 'renewed') return event
  const since = clock.trueTime(event.since)
  const later = since - event.since
  return later === 0 ? event : { ...event, since, until: toInstant(event.until + later) }
}

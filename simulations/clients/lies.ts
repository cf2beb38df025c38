import {
  type IPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  toIPv4Address,
  UNSPECIFIED_ADDRESS,
} from '../../src/api/values/ipv4-address.ts'
import { type MacAddress, macAddressFromBytes } from '../../src/api/values/mac-address.ts'
import { clientRequest } from '../../src/dhcp/client-request.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import type { MessageType } from '../../src/dhcp/message-type.ts'
import type { OptionValues } from '../../src/dhcp/options.ts'
import { BROADCAST_FLAG, CLIENT_PORT, type DhcpPacket, SERVER_PORT } from '../../src/dhcp/packet.ts'
import type { Random } from '../../src/runtime/random.ts'
import type { OutgoingDatagram } from '../../transports/packets/packet-transport.ts'

/** A true client, as the liar knows it. */
export interface Victim {
  readonly mac: MacAddress
  readonly address: IPv4Address
}

export interface Lie {
  /** What it is, in a few words. */
  readonly text: string
  readonly datagram: OutgoingDatagram
  /** Whose it pretends to be, or what it asks for. Absent for noise. */
  readonly mac?: MacAddress
  readonly address?: IPv4Address
}

interface Scene {
  readonly random: Random
  readonly server: IPv4Address
  readonly victims: readonly Victim[]
}

/** One lie, by chance. */
export function tellLie(scene: Scene): Lie {
  const pretend = pick(scene.random, PRETENCES)(scene)
  return scene.random.next() < 0.3 ? damage(scene, pretend) : pretend
}

/** Requests of others, for others' addresses, to others' servers, and replies that are no server's. */
const PRETENCES: readonly ((scene: Scene) => Lie)[] = [
  (scene) => request(scene, 'DISCOVER', { isWish: true }),
  (scene) => request(scene, 'REQUEST', { isWish: true, server: scene.server }),
  (scene) => request(scene, 'REQUEST', { isWish: true, server: strangeAddress(scene) }),
  (scene) => request(scene, 'REQUEST', { isWish: true }),
  (scene) => request(scene, 'REQUEST', { isHeld: true }),
  (scene) => request(scene, 'REQUEST', { isHeld: true, to: scene.server }),
  (scene) => request(scene, 'REQUEST', { isHeld: true, isWish: true, server: scene.server }),
  (scene) => request(scene, 'REQUEST', {}),
  (scene) => request(scene, 'RELEASE', { isHeld: true, server: scene.server, to: scene.server }),
  (scene) => request(scene, 'DECLINE', { isWish: true, server: scene.server }),
  (scene) => request(scene, 'INFORM', { isHeld: true }),
  (scene) => request(scene, 'REQUEST', { isWish: true, giaddr: strangeAddress(scene), to: scene.server }),
  (scene) => rogueReply(scene, 'OFFER'),
  (scene) => rogueReply(scene, 'ACK'),
  (scene) => rogueReply(scene, 'NAK'),
]

interface Form {
  /** The address is asked for, in option 50. */
  readonly isWish?: boolean
  /** The address is claimed, in ciaddr. */
  readonly isHeld?: boolean
  readonly server?: IPv4Address
  readonly giaddr?: IPv4Address
  readonly to?: IPv4Address
}

function request(scene: Scene, messageType: MessageType, form: Form): Lie {
  const { random } = scene
  const mac = someMac(scene)
  const address = someAddress(scene)
  const { isWish = false, isHeld = false, server, giaddr, to = LIMITED_BROADCAST_ADDRESS } = form
  const options: Partial<OptionValues> = {
    messageType,
    ...(isWish && { requestedAddress: address }),
    ...(server !== undefined && { serverIdentifier: server }),
  }
  const flags = random.next() < 0.5 ? BROADCAST_FLAG : 0
  const packet = clientRequest({ mac, xid: word(random), flags, options, ...(isHeld && { ciaddr: address }) })
  const how = [
    isWish && 'asks for the address',
    isHeld && 'claims the address',
    server !== undefined && (server === scene.server ? 'names the server' : 'names another server'),
    giaddr !== undefined && 'as a relay',
  ].filter((part) => part !== false)
  return {
    text: [`${messageType} with a false MAC`, ...how].join(', '),
    datagram: {
      sourceAddress: isHeld ? address : UNSPECIFIED_ADDRESS,
      sourcePort: CLIENT_PORT,
      destinationAddress: to,
      destinationPort: SERVER_PORT,
      payload: encodePacket(giaddr === undefined ? packet : { ...packet, giaddr, hops: 1 }),
    },
    mac,
    ...((isWish || isHeld) && { address }),
  }
}

/** A server that nobody asked: its transaction ID is a guess, for one that overhears questions no client can tell. */
function rogueReply(scene: Scene, messageType: 'OFFER' | 'ACK' | 'NAK'): Lie {
  const { random } = scene
  const mac = someMac(scene)
  const address = someAddress(scene)
  const server = pick(random, [scene.server, strangeAddress(scene)])
  const options: Partial<OptionValues> = {
    messageType,
    serverIdentifier: server,
    ...(messageType !== 'NAK' && { leaseTime: 86_400, subnetMask: toIPv4Address(0xffffff00) }),
  }
  const question = clientRequest({ mac, xid: word(random), options })
  const packet: DhcpPacket = {
    ...question,
    op: 'BOOTREPLY',
    yiaddr: messageType === 'NAK' ? UNSPECIFIED_ADDRESS : address,
  }
  return {
    text: `a rogue server's ${messageType}`,
    datagram: {
      sourceAddress: server,
      sourcePort: SERVER_PORT,
      destinationAddress: pick(random, [LIMITED_BROADCAST_ADDRESS, address]),
      destinationPort: pick(random, [CLIENT_PORT, CLIENT_PORT, SERVER_PORT]),
      payload: encodePacket(packet),
    },
    mac,
    ...(messageType !== 'NAK' && { address }),
  }
}

/** The same, or what is left of it. */
function damage({ random }: Scene, lie: Lie): Lie {
  const { payload } = lie.datagram
  const [how, damaged] = pick(random, [
    () => ['cut off', payload.slice(0, below(random, payload.length))] as const,
    () => ['with flipped bits', flipBits(random, payload)] as const,
    () => ['with junk behind it', Uint8Array.of(...payload, ...noise(random, 200))] as const,
    () => ['noise', noise(random, below(random, 1400))] as const,
  ])()
  const datagram = { ...lie.datagram, payload: damaged }
  return how === 'noise' ? { text: 'noise', datagram } : { ...lie, text: `${lie.text}, ${how}`, datagram }
}

function flipBits(random: Random, payload: Uint8Array): Uint8Array {
  const flipped = payload.slice()
  for (let count = 1 + below(random, 8); count > 0; count--) {
    const index = below(random, flipped.length)
    flipped[index] = (flipped[index] ?? 0) ^ (1 << below(random, 8))
  }
  return flipped
}

function noise(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256))
}

function someMac({ random, victims }: Scene): MacAddress {
  if (victims.length > 0 && random.next() < 0.6) return pick(random, victims).mac
  // Locally administered, as VMs' are; the second byte keeps it apart from those of plans.
  return macAddressFromBytes(Uint8Array.of(0x02, 0x1a, ...noise(random, 4)))
}

function someAddress(scene: Scene): IPv4Address {
  const { random, victims } = scene
  return victims.length > 0 && random.next() < 0.7 ? pick(random, victims).address : strangeAddress(scene)
}

/** Somewhere near the server, or anywhere. */
function strangeAddress({ random, server }: Scene): IPv4Address {
  return toIPv4Address(random.next() < 0.8 ? server ^ (1 + below(random, 255)) : word(random))
}

function word(random: Random): number {
  return Math.floor(random.next() * 2 ** 32)
}

function below(random: Random, end: number): number {
  return Math.floor(random.next() * end)
}

/** @throws RangeError when there is nothing to choose from */
function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[below(random, from.length)]
  if (chosen === undefined) throw new RangeError('there is nothing to choose from')
  return chosen
}

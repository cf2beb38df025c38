import { pino } from 'pino'
import { beforeEach, expect, test } from 'vitest'
import { LIMITED_BROADCAST_ADDRESS, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { seconds } from '../../src/api/values/time.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import type { MessageType } from '../../src/dhcp/message-type.ts'
import { encodeOptions, getOption, type OptionValues } from '../../src/dhcp/options.ts'
import { BROADCAST_FLAG, clientMacAddress, type DhcpPacket } from '../../src/dhcp/packet.ts'
import { formatLease, parseLease } from '../../src/lab/lease-json.ts'
import { acquireLease } from '../../src/lab/small-client.ts'
import { createMemorySegment, type MemoryPacketTransport } from '../../transports/packets/memory.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'

const MAC = parseMacAddress('ca:70:82:e6:84:6e')
const SERVER = parseIPv4Address('192.168.48.77')
const OTHER_SERVER = parseIPv4Address('192.168.48.78')
const ADDRESS = parseIPv4Address('192.168.48.81')
const log = pino({ level: 'silent' })

let clock: ManualClock
let server: MemoryPacketTransport
let client: MemoryPacketTransport
let heard: DhcpPacket[]
let answer: (request: DhcpPacket) => void
beforeEach(() => {
  const wire = createMemorySegment()
  clock = new ManualClock()
  server = wire.attach({ port: 67, address: SERVER, log })
  client = wire.attach({ port: 68, log })
  heard = []
  answer = answerAll
  server.onDatagram((datagram) => {
    const request = decodePacket(datagram.payload)
    heard.push(request)
    answer(request)
  })
})

test('DISCOVER, OFFER, REQUEST, ACK, and the lease tells what the server said', async () => {
  const lease = await acquire()
  expect(heard.map(typeOf)).toEqual(['DISCOVER', 'REQUEST'])
  expect(lease).toEqual({
    address: ADDRESS,
    subnetMask: parseIPv4Address('255.255.255.0'),
    routers: [parseIPv4Address('192.168.48.1')],
    dnsServers: [],
    domainName: undefined,
    domainSearch: [],
    ntpServers: [],
    leaseSeconds: 300,
    serverIdentifier: SERVER,
  })
  expect(parseLease(formatLease(lease))).toEqual(lease)
})

test('its messages ask for broadcast, carry its MAC, and the REQUEST names address and server', async () => {
  await acquire()
  const [discover, request] = heard
  expect(discover?.flags).toBe(BROADCAST_FLAG)
  expect(heard.map(clientMacAddress)).toEqual([MAC, MAC])
  expect(request && getOption(request.options, 'requestedAddress')).toBe(ADDRESS)
  expect(request && getOption(request.options, 'serverIdentifier')).toBe(SERVER)
  expect(request?.xid).toBe(discover?.xid)
})

test('a message that is lost is sent again', async () => {
  let lose = 3
  answer = (request) => {
    if (lose-- <= 0) answerAll(request)
  }
  const lease = acquire()
  await clock.advance(seconds(20))
  expect((await lease).address).toBe(ADDRESS)
  expect(heard.map(typeOf)).toEqual(['DISCOVER', 'DISCOVER', 'DISCOVER', 'DISCOVER', 'REQUEST'])
})

test('after a NAK it starts again, after a pause', async () => {
  let refuse = true
  answer = (request) => {
    if (typeOf(request) === 'REQUEST' && refuse) {
      refuse = false
      reply(request, { messageType: 'NAK', serverIdentifier: SERVER })
    } else answerAll(request)
  }
  const lease = acquire()
  await clock.advance(seconds(2))
  expect((await lease).address).toBe(ADDRESS)
  expect(heard.map(typeOf)).toEqual(['DISCOVER', 'REQUEST', 'DISCOVER', 'REQUEST'])
})

test('answers for others, of other servers, and garbage change nothing', async () => {
  answer = (request) => {
    const strangerXid = { ...request, xid: (request.xid ^ 1) >>> 0 }
    const strangerMac = { ...request, chaddr: new Uint8Array(16) }
    server.send(toClient(Uint8Array.of(1, 2, 3)))
    reply(strangerXid, { messageType: 'ACK', serverIdentifier: OTHER_SERVER })
    reply(strangerMac, { messageType: 'ACK', serverIdentifier: OTHER_SERVER })
    reply(request, { messageType: 'ACK', serverIdentifier: OTHER_SERVER })
    reply(request, { messageType: 'NAK', serverIdentifier: OTHER_SERVER })
    answerAll(request)
  }
  expect((await acquire()).serverIdentifier).toBe(SERVER)
  expect(heard.map(typeOf)).toEqual(['DISCOVER', 'REQUEST'])
})

test.each([
  ['OFFER', () => {}],
  ['ACK', (request: DhcpPacket) => typeOf(request) === 'DISCOVER' && answerAll(request)],
])('without a DHCP%s it gives up and says so', async (missing, answering) => {
  answer = answering
  const lease = expect(acquire()).rejects.toMatchObject({
    name: 'NoLeaseError',
    waitedFor: missing,
    message: `no DHCP${missing} for ${MAC} within 30 s`,
  })
  await clock.advance(seconds(31))
  await lease
})

function acquire() {
  return acquireLease({
    transport: client,
    mac: MAC,
    clock,
    random: seededRandom(),
  })
}

function answerAll(request: DhcpPacket): void {
  reply(request, {
    messageType: typeOf(request) === 'DISCOVER' ? 'OFFER' : 'ACK',
    serverIdentifier: SERVER,
    subnetMask: parseIPv4Address('255.255.255.0'),
    routers: [parseIPv4Address('192.168.48.1')],
    leaseTime: 300,
  })
}

function reply(request: DhcpPacket, options: Partial<OptionValues>): void {
  const packet = { ...request, op: 'BOOTREPLY', yiaddr: ADDRESS, options: encodeOptions(options) } as const
  server.send(toClient(encodePacket(packet)))
}

function toClient(payload: Uint8Array) {
  return {
    sourceAddress: SERVER,
    sourcePort: 67,
    destinationAddress: LIMITED_BROADCAST_ADDRESS,
    destinationPort: 68,
    payload,
  }
}

function typeOf(packet: DhcpPacket): MessageType | undefined {
  return getOption(packet.options, 'messageType')
}

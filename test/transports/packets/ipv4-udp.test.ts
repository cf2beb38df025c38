import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseIPv4Address, toIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { DatagramTooLargeError } from '../../../transports/packets/errors.ts'
import { decodeIPv4Udp, encodeIPv4Udp } from '../../../transports/packets/ipv4-udp.ts'
import type { OutgoingDatagram } from '../../../transports/packets/packet-transport.ts'

const address = fc.nat({ max: 0xffffffff }).map(toIPv4Address)
const port = fc.nat({ max: 0xffff })
const datagrams: fc.Arbitrary<OutgoingDatagram> = fc.record({
  sourceAddress: address,
  sourcePort: port,
  destinationAddress: address,
  destinationPort: port,
  payload: fc.uint8Array({ maxLength: 1500 }),
})

const SAMPLE: OutgoingDatagram = {
  sourceAddress: parseIPv4Address('192.168.48.77'),
  sourcePort: 67,
  destinationAddress: parseIPv4Address('255.255.255.255'),
  destinationPort: 68,
  payload: Uint8Array.of(1, 2, 3, 4, 5),
}

test('what is encoded is decoded again, with any padding behind it', () => {
  fc.assert(
    fc.property(datagrams, fc.uint8Array({ maxLength: 50 }), (datagram, padding) => {
      expect(decodeIPv4Udp(Buffer.concat([encodeIPv4Udp(datagram), padding]))).toEqual({
        ...datagram,
        payload: Buffer.from(datagram.payload),
      })
    }),
  )
})

test('both checksums hold for every datagram (RFC 791 §3.1, RFC 768)', () => {
  fc.assert(
    fc.property(datagrams, (datagram) => {
      const packet = encodeIPv4Udp(datagram)
      expect(naiveSum([...packet.subarray(0, 20)])).toBe(0xffff)
      const udp = [...packet.subarray(20)]
      const pseudoHeader = [...packet.subarray(12, 20), 0, 17, udp.length >> 8, udp.length & 255]
      expect(naiveSum([...pseudoHeader, ...udp])).toBe(0xffff)
    }),
  )
})

test('the header says version 4, five words, no fragment, TTL 64, UDP', () => {
  expect(Buffer.from(encodeIPv4Udp(SAMPLE)).subarray(0, 10).toString('hex')).toBe('45000021000000004011')
})

test('a checksum of zero goes out as ffff, because zero means that there is none (RFC 768)', () => {
  const candidates = Array.from({ length: 0x10000 }, (_, value) => Uint8Array.of(value >> 8, value & 255))
  const checksums = candidates.map((payload) => {
    const packet = encodeIPv4Udp({ ...SAMPLE, payload })
    return ((packet[26] ?? 0) << 8) | (packet[27] ?? 0)
  })
  expect(checksums).not.toContain(0)
  expect(checksums).toContain(0xffff)
})

test('a wrong checksum is no reason to refuse: virtual links leave it unfinished', () => {
  const packet = encodeIPv4Udp(SAMPLE)
  packet.set([0, 0], 10)
  packet.set([0xde, 0xad], 26)
  expect(decodeIPv4Udp(packet)).toMatchObject({ sourcePort: 67, destinationPort: 68 })
})

test('IP options are skipped', () => {
  const plain = encodeIPv4Udp(SAMPLE)
  const packet = Uint8Array.from([...plain.subarray(0, 20), 148, 4, 0, 0, ...plain.subarray(20)])
  packet[0] = 0x46
  packet[3] = packet.length
  expect(decodeIPv4Udp(packet)).toMatchObject({ destinationPort: 68, payload: SAMPLE.payload })
})

test('a payload longer than an IPv4 packet is refused', () => {
  expect(() => encodeIPv4Udp({ ...SAMPLE, payload: new Uint8Array(65_508) })).toThrow(DatagramTooLargeError)
  expect(encodeIPv4Udp({ ...SAMPLE, payload: new Uint8Array(65_507) })).toHaveLength(65_535)
})

test.each([
  ['an empty packet', 'truncated', () => new Uint8Array()],
  ['half a header', 'truncated', () => encodeIPv4Udp(SAMPLE).subarray(0, 19)],
  ['a packet cut off', 'truncated', () => encodeIPv4Udp(SAMPLE).subarray(0, 32)],
  ['IPv6', 'not-ipv4', () => changed([[0, 0x65]])],
  ['a header length below five words', 'bad-length', () => changed([[0, 0x44]])],
  ['a header longer than the packet', 'bad-length', () => changed([[0, 0x4f]])],
  ['TCP', 'not-udp', () => changed([[9, 6]])],
  ['a first fragment', 'fragment', () => changed([[6, 0x20]])],
  ['a later fragment', 'fragment', () => changed([[7, 1]])],
  ['a UDP length below its header', 'bad-length', () => changed([[25, 7]])],
  ['a UDP length beyond the packet', 'bad-length', () => changed([[25, 14]])],
  ['a total length without room for UDP', 'bad-length', () => changed([[3, 27]])],
] as const)('%s is refused: %s', (_name, defect, packet) => {
  expect(decodeIPv4Udp(packet())).toBe(defect)
})

test('no bytes make the decoder throw, or read beyond their end', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(datagrams, fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 255 })), { maxLength: 4 }))
      .map(([datagram, changes]) => {
        const packet = encodeIPv4Udp(datagram)
        for (const [at, value] of changes) if (at < packet.length) packet[at] = value
        return packet
      }),
  )
  fc.assert(
    fc.property(anyBytes, (packet) => {
      const decoded = decodeIPv4Udp(packet)
      if (typeof decoded !== 'string') {
        const { payload } = decoded
        expect(payload.byteOffset + payload.length).toBeLessThanOrEqual(packet.byteOffset + packet.length)
      }
    }),
    { numRuns: 2000 },
  )
})

function changed(changes: readonly (readonly [number, number])[]): Uint8Array {
  const packet = encodeIPv4Udp(SAMPLE)
  for (const [at, value] of changes) packet[at] = value
  return packet
}

/** RFC 1071 word by word, carrying at every step. */
function naiveSum(octets: number[]): number {
  let sum = 0
  for (let i = 0; i < octets.length; i += 2) {
    sum += (octets[i] ?? 0) * 256 + (octets[i + 1] ?? 0)
    if (sum > 0xffff) sum -= 0xffff
  }
  return sum
}

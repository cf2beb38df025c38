import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideReply } from '../../src/dhcp/decide.ts'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { replyDestination } from '../../src/dhcp/destination.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import { MalformedPacketError } from '../../src/dhcp/errors.ts'
import { getOption, OPTIONS, type OptionName } from '../../src/dhcp/options.ts'
import { ASSIGNED, BROADCAST, network, packet } from './builders.ts'
import { CAPTURED } from './fixtures/client-packets.ts'

const NETWORK = network({ domainSearch: ['example.com'], domainName: 'example.com' })
const REAL_PACKETS = Object.values(CAPTURED).map(({ hex }) => Uint8Array.from(Buffer.from(hex, 'hex')))
const HEADER = encodePacket(packet()).subarray(0, 240)

/** The way of a datagram through the server: nothing but a MalformedPacketError may come out of it. */
function serve(bytes: Uint8Array): 'refused' | 'silent' | 'answered' {
  let request: ReturnType<typeof decodePacket>
  try {
    request = decodePacket(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedPacketError)
    return 'refused'
  }
  for (const name of Object.keys(OPTIONS) as OptionName[]) getOption(request.options, name)
  const decision = decideReply(request, ASSIGNED, NETWORK, BROADCAST)
  if (decision.type === 'silent') return 'silent'
  const reply = encodePacket(decision.packet, decision.maxMessageSize)
  expect(reply.length).toBeLessThanOrEqual(1280 - 28)
  decodePacket(reply)
  replyDestination(request, decision.packet)
  return 'answered'
}

test('random bytes are refused, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
      expect(serve(bytes)).toBe('refused')
    }),
    { numRuns: 1000 },
  )
})

test('random options behind a good header are refused, ignored or answered', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1500 }), (options) => {
      serve(Uint8Array.from([...HEADER, ...options]))
    }),
    { numRuns: 2000 },
  )
})

test('options of random codes, lengths and values are refused, ignored or answered', () => {
  const option = fc
    .tuple(fc.constantFrom(0, 12, 15, 50, 52, 53, 54, 55, 57, 61, 82, 119), fc.uint8Array({ maxLength: 255 }))
    .map(([code, value]) => [code, value.length, ...value])
  fc.assert(
    fc.property(
      fc.array(option, { maxLength: 20 }),
      fc.uint8Array({ minLength: 192, maxLength: 192 }),
      (options, names) => {
        const bytes = Uint8Array.from([...HEADER, 53, 1, 1, ...options.flat(), 255])
        bytes.set(names, 44)
        serve(bytes)
      },
    ),
    { numRuns: 2000 },
  )
})

test('real packets with some bytes changed, cut or added are refused, ignored or answered', () => {
  const change = fc.tuple(fc.nat({ max: 320 }), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(
      fc.constantFrom(...REAL_PACKETS),
      fc.array(change, { maxLength: 6 }),
      fc.integer({ min: 236, max: 320 }),
      (original, changes, length) => {
        const bytes = new Uint8Array(length)
        bytes.set(original.subarray(0, length))
        for (const [offset, value] of changes) if (offset < length) bytes[offset] = value
        serve(bytes)
      },
    ),
    { numRuns: 5000 },
  )
})

test('the longest datagram, all of it compression pointers, is decoded in bounded time', () => {
  const part = Array.from({ length: 127 }, () => [0xc0, 0]).flat()
  const value = [1, 97, 0, ...Array.from({ length: 250 }, () => part).flat()]
  const options: number[] = []
  for (let i = 0; i < value.length; i += 255) {
    const chunk = value.slice(i, i + 255)
    options.push(119, chunk.length, ...chunk)
  }

  const request = decodePacket(Uint8Array.from([...HEADER, ...options, 255]))

  expect(getOption(request.options, 'domainSearch')).toHaveLength(1 + 250 * 127)
})

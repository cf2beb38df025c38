import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodePacket } from '../../src/dhcp/decode-packet.ts'
import { encodePacket } from '../../src/dhcp/encode-packet.ts'
import { MalformedPacketError } from '../../src/dhcp/errors.ts'
import { encodeOption, getOption } from '../../src/dhcp/options.ts'
import { clientMacAddress, type DhcpPacket } from '../../src/dhcp/packet.ts'
import { anyPacket } from './arbitraries.ts'
import { ASSIGNED, CLIENT_MAC, discover, ip, packet, SERVER } from './builders.ts'

/** A header, the magic cookie, then these bytes as the options field. */
function withOptions(...bytes: number[]): Uint8Array {
  return Uint8Array.from([...encodePacket(packet()).subarray(0, 240), ...bytes])
}

function withRaw(options: [number, Uint8Array][], fields: Partial<DhcpPacket> = {}): DhcpPacket {
  return { ...packet(), ...fields, options: new Map(options) }
}

const filled = (length: number, value = 0x61) => new Uint8Array(length).fill(value)

function failure(bytes: Uint8Array): MalformedPacketError {
  try {
    decodePacket(bytes)
  } catch (error) {
    if (error instanceof MalformedPacketError) return error
    throw error
  }
  throw new Error('the packet was decoded')
}

describe('round trips', () => {
  test('every packet reads back as it was written', () => {
    fc.assert(
      fc.property(anyPacket, (original) => {
        const decoded = decodePacket(encodePacket(original))
        expect(decoded).toEqual(original)
        expect([...decoded.options.keys()]).toEqual([...original.options.keys()])
      }),
      { numRuns: 300 },
    )
  })

  test('a Buffer decodes as the same bytes in a Uint8Array do', () => {
    const bytes = encodePacket(discover())

    expect(decodePacket(Buffer.from(bytes))).toEqual(decodePacket(bytes))
  })

  test('a packet that starts in the middle of a larger buffer decodes', () => {
    const bytes = encodePacket(discover())
    const larger = new Uint8Array(bytes.length + 28)
    larger.set(bytes, 28)

    expect(decodePacket(larger.subarray(28))).toEqual(decodePacket(bytes))
  })
})

describe('the header (RFC 2131 §2)', () => {
  test('the MAC address is read for Ethernet only', () => {
    expect(clientMacAddress(packet())).toBe(CLIENT_MAC)
    expect(clientMacAddress(packet({ htype: 32, hlen: 20 }))).toBeUndefined()
    expect(clientMacAddress(packet({ htype: 1, hlen: 5 }))).toBeUndefined()
  })

  test('a short message is padded to the 300 bytes of BOOTP (RFC 951 §3)', () => {
    expect(encodePacket(discover())).toHaveLength(300)
  })

  test.each([
    ['an empty payload', new Uint8Array(), 0],
    ['a payload that ends before the options', withOptions().subarray(0, 239), 239],
    ['no magic cookie, as in plain BOOTP', withOptions().map((byte, i) => (i === 236 ? 0 : byte)), 236],
    ['an op that is neither request nor reply', withOptions(255).map((byte, i) => (i === 0 ? 3 : byte)), 0],
    ['a hardware address longer than its field', withOptions(255).map((byte, i) => (i === 2 ? 17 : byte)), 2],
  ])('%s is refused with its place', (_, bytes, offset) => {
    expect(failure(bytes)).toMatchObject({ name: 'MalformedPacketError', offset })
  })
})

describe('the options field (RFC 2132 §2)', () => {
  test('pads are skipped and what follows the end is ignored', () => {
    const decoded = decodePacket(withOptions(0, 0, 53, 1, 1, 0, 255, 53, 9))

    expect([...decoded.options]).toEqual([[53, Uint8Array.of(1)]])
  })

  test('a missing end option is tolerated when nothing is cut off', () => {
    expect(getOption(decodePacket(withOptions(53, 1, 1)).options, 'messageType')).toBe('DISCOVER')
  })

  test.each([
    ['an option without a length', [53, 1, 1, 12], 243, /option 12 has no length/],
    ['an option that runs past the end', [53, 1, 1, 12, 4, 97], 243, /option 12 runs 3 bytes past the end/],
    [
      'a fixed option of a wrong length',
      [50, 3, 1, 2, 3, 255],
      242,
      /option 50 \(requestedAddress\): 3 bytes/,
    ],
    ['a list of half addresses', [53, 1, 1, 6, 6, 1, 2, 3, 4, 5, 6, 255], 245, /no multiple of 4/],
    ['an unknown message type', [53, 1, 99, 255], 242, /no message type 99/],
    ['a message type given twice', [53, 1, 1, 53, 1, 3, 255], 242, /2 bytes, but at most 1/],
    ['an empty parameter request list', [55, 0, 255], 242, /at least 1/],
    ['a client identifier of one byte', [61, 1, 1, 255], 242, /at least 2/],
    ['a domain search list that loops', [119, 2, 0xc0, 0, 255], 242, /does not point backwards/],
    ['an overload of nothing', [52, 1, 0, 255], 242, /0 is not 1, 2 or 3/],
    ['an overload given twice', [52, 1, 1, 52, 1, 1, 255], 242, /comes twice/],
  ])('%s is refused with its place and reason', (_, bytes, offset, reason) => {
    const error = failure(withOptions(...bytes))

    expect(error.offset).toBe(offset)
    expect(error.reason).toMatch(reason)
  })
})

describe('long options (RFC 3396)', () => {
  test('a value of more than 255 bytes is split over several options and joined again', () => {
    const value = Uint8Array.from({ length: 600 }, (_, i) => i & 255)

    const bytes = encodePacket(withRaw([[224, value]]))

    expect([bytes[240], bytes[241], bytes[497], bytes[498], bytes[754], bytes[755]]).toEqual([
      224, 255, 224, 255, 224, 90,
    ])
    expect(decodePacket(bytes).options.get(224)).toEqual(value)
  })

  test('parts are joined also when other options stand between them', () => {
    const decoded = decodePacket(withOptions(224, 2, 1, 2, 53, 1, 1, 224, 1, 3, 255))

    expect([...decoded.options]).toEqual([
      [224, Uint8Array.of(1, 2, 3)],
      [53, Uint8Array.of(1)],
    ])
  })

  test('a typed value may be split at any byte', () => {
    const decoded = decodePacket(withOptions(50, 1, 192, 50, 3, 168, 48, 87, 255))

    expect(getOption(decoded.options, 'requestedAddress')).toBe(ip('192.168.48.87'))
  })

  test('twenty thousand parts of one option are joined in linear time', () => {
    const parts = Array.from({ length: 20_000 }, (_, i) => [224, 1, i & 255]).flat()

    expect(decodePacket(withOptions(...parts, 255)).options.get(224)).toHaveLength(20_000)
  })
})

describe('option overload (RFC 2131 §4.1)', () => {
  test('options are read from the options field, then file, then sname', () => {
    const bytes = withOptions(52, 1, 3, 53, 1, 1, 224, 1, 1, 255)
    bytes.set([224, 1, 2, 255], 108)
    bytes.set([224, 1, 3, 12, 1, 97, 255], 44)

    const decoded = decodePacket(bytes)

    expect([...decoded.options]).toEqual([
      [53, Uint8Array.of(1)],
      [224, Uint8Array.of(1, 2, 3)],
      [12, Uint8Array.of(97)],
    ])
    expect(decoded.file).toHaveLength(0)
    expect(decoded.sname).toHaveLength(0)
  })

  test('a field that is not overloaded keeps its name', () => {
    const bytes = withOptions(52, 1, 1, 255)
    bytes.set([255], 108)
    bytes.set([97, 98], 44)

    expect(decodePacket(bytes).sname).toEqual(Uint8Array.of(97, 98))
  })

  test('an option may not run out of its field', () => {
    const bytes = withOptions(52, 1, 2, 255)
    bytes.set([224, 63], 44)

    expect(failure(bytes)).toMatchObject({ offset: 44, reason: 'option 224 runs 1 bytes past the end' })
  })

  test('an overload option inside an overloaded field means nothing', () => {
    const bytes = withOptions(52, 1, 1, 255)
    bytes.set([52, 1, 3, 255], 108)
    bytes.set([97], 44)

    expect(decodePacket(bytes).sname).toEqual(Uint8Array.of(97))
  })
})

describe('messages as long as the client takes (RFC 2131 §2, RFC 2132 §9.10)', () => {
  test('options that do not fit go to file and sname, and come back', () => {
    const original = withRaw([
      [53, Uint8Array.of(5)],
      [224, filled(250)],
      [225, filled(100)],
      [226, filled(60)],
      [227, filled(40)],
    ])

    const bytes = encodePacket(original, 576)

    expect(bytes.length).toBeLessThanOrEqual(576 - 28)
    expect(bytes[108]).toBe(225)
    expect(bytes[44]).toBe(226)
    expect(new Map(decodePacket(bytes).options)).toEqual(new Map(original.options))
  })

  test('a file name is not overwritten', () => {
    const bytes = encodePacket(
      withRaw(
        [
          [224, filled(250)],
          [225, filled(100)],
        ],
        { file: filled(3) },
      ),
      576,
    )

    expect(decodePacket(bytes).file).toEqual(filled(3))
    expect([...decodePacket(bytes).options.keys()]).toEqual([224])
  })

  test('what does not fit at all is left out, after the essentials and in order of preference', () => {
    const bytes = encodePacket(
      withRaw([
        [53, Uint8Array.of(5)],
        [54, encodeOption('serverIdentifier', SERVER)],
        [51, encodeOption('leaseTime', 300)],
        [224, filled(200)],
        [225, filled(200)],
        [226, filled(200)],
        [61, filled(20)],
        [82, filled(30)],
      ]),
      576,
    )

    expect([...decodePacket(bytes).options.keys()].toSorted((a, b) => a - b)).toEqual([
      51, 53, 54, 61, 82, 224,
    ])
  })

  test('an option that is too long does not take shorter ones behind it along', () => {
    const bytes = encodePacket(
      withRaw([
        [53, Uint8Array.of(5)],
        [224, filled(300)],
        [58, filled(4)],
      ]),
      576,
    )

    expect([...decodePacket(bytes).options.keys()]).toEqual([53, 58])
  })

  test('a maximum below 576 counts as 576, which every client takes', () => {
    const original = withRaw([[224, filled(250)]])

    expect(decodePacket(encodePacket(original, 60)).options).toEqual(original.options)
  })

  test('any packet fits in any maximum, in order of importance', () => {
    fc.assert(
      fc.property(anyPacket, fc.integer({ min: 0, max: 1500 }), (original, maximum) => {
        const options = new Map([[53, Uint8Array.of(5)], ...original.options])

        const bytes = encodePacket({ ...original, options }, maximum)

        expect(bytes.length).toBeLessThanOrEqual(Math.max(576, maximum) - 28)
        const decoded = decodePacket(bytes).options
        expect(decoded.get(53)).toEqual(options.get(53))
        for (const [code, value] of decoded) expect(value).toEqual(options.get(code))
      }),
      { numRuns: 300 },
    )
  })
})

test('a decoded packet says which address it wants', () => {
  const original = discover({ options: { requestedAddress: ASSIGNED } })

  expect(getOption(decodePacket(encodePacket(original)).options, 'requestedAddress')).toBe(ASSIGNED)
})

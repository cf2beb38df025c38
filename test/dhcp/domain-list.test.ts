import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDomainName } from '../../src/api/values/domain-name.ts'
import { decodeDomainList, encodeDomainList } from '../../src/dhcp/domain-list.ts'
import { MalformedDomainListError } from '../../src/dhcp/errors.ts'
import { domainName } from './arbitraries.ts'

const names = (...texts: string[]) => texts.map(parseDomainName)

test('every list reads back as it was written', () => {
  fc.assert(
    fc.property(fc.array(domainName, { maxLength: 50 }), (list) => {
      expect(decodeDomainList(encodeDomainList(list))).toEqual(list)
    }),
  )
})

test('a list longer than pointers can reach reads back', () => {
  const distinct = Array.from({ length: 900 }, (_, i) =>
    parseDomainName(`host-${i}.${'x'.repeat(20)}-${i}.example`),
  )
  const list = [...distinct, ...distinct.slice(-2)]

  const bytes = encodeDomainList(list)

  expect(bytes.length).toBeGreaterThan(0x3fff)
  expect(decodeDomainList(bytes)).toEqual(list)
})

test('a name given twice takes two bytes the second time', () => {
  expect(encodeDomainList(names('example.com', 'example.com'))).toHaveLength(13 + 2)
})

test('letter case is kept, so names that differ in it are not merged', () => {
  const list = names('Example.com', 'example.COM')

  expect(decodeDomainList(encodeDomainList(list))).toEqual(list)
})

test('a pointer to a pointer is followed', () => {
  expect(decodeDomainList(Uint8Array.of(1, 97, 0, 0xc0, 0, 0xc0, 3))).toEqual(names('a', 'a', 'a'))
})

describe('refused, so that decoding ends', () => {
  const longLabel = [63, ...Array<number>(63).fill(97)]
  test.each([
    ['a pointer to itself', [0xc0, 0], /backwards/],
    ['a pointer forwards', [0xc0, 2, 1, 97, 0], /backwards/],
    ['a pointer to its own name', [1, 97, 0xc0, 0], /backwards/],
    ['two pointers to each other', [0xc0, 2, 0xc0, 0], /backwards/],
    ['a pointer cut in half', [1, 97, 0xc0], /cut off/],
    ['a name without an end', [1, 97], /past the end/],
    ['a label past the end', [3, 97, 0], /past the end/],
    ['a label of a reserved type', [0x40, 0], /reserved/],
    [
      'a name of more than 255 octets',
      [...longLabel, ...longLabel, ...longLabel, ...longLabel, 1, 97, 0],
      /255/,
    ],
    ['the root', [0], /empty/],
    ['a label with a dot', [3, 97, 46, 98, 0], /dot/],
    ['a label with a shell character', [2, 97, 36, 0], /letters, digits/],
    [
      'a longer chain of pointers than a name has labels',
      [1, 97, 0, 0xc0, 0, ...Array.from({ length: 127 }, (_, i) => [0xc0, 3 + 2 * i]).flat()],
      /too many/,
    ],
  ])('%s', (_, bytes, reason) => {
    expect(() => decodeDomainList(Uint8Array.from(bytes))).toThrow(MalformedDomainListError)
    expect(() => decodeDomainList(Uint8Array.from(bytes))).toThrow(reason)
  })

  test('random bytes give names or a MalformedDomainListError', () => {
    const bytes = fc.array(fc.constantFrom(0, 1, 2, 3, 97, 98, 0xc0, 0xc1, 255), { maxLength: 300 })
    fc.assert(
      fc.property(bytes, (value) => {
        try {
          decodeDomainList(Uint8Array.from(value))
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedDomainListError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SubjectIndex } from '../../../transports/messages/subject-index.ts'
import {
  checkPattern,
  checkSubject,
  commandSubject,
  decodeToken,
  encodeToken,
  eventPattern,
  eventSubject,
  InvalidSubjectError,
  parseSubject,
  subjectMatches,
} from '../../../transports/messages/subjects.ts'

const wellFormed = fc.string({ unit: 'grapheme' })

describe('a name as a token', () => {
  test.each([
    ['net-48', 'net-48'],
    ['Lease_Granted', 'Lease_Granted'],
    ['a.b', 'a%2Eb'],
    ['*', '%2A'],
    ['>', '%3E'],
    ['50%', '50%25'],
    ['a b\r\n', 'a%20b%0D%0A'],
    ['é', '%C3%A9'],
    ['', '%'],
  ])('%j is %s', (text, token) => {
    expect(encodeToken(text)).toBe(token)
    expect(decodeToken(token)).toBe(text)
  })

  test('any text makes one valid token, and comes back from it', () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        const token = encodeToken(text)
        expect(token).not.toContain('.')
        expect(() => checkSubject(token)).not.toThrow()
        expect(decodeToken(token)).toBe(text)
      }),
    )
  })

  test('different texts make different tokens', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (a, b) => (a === b) === (encodeToken(a) === encodeToken(b))),
    )
  })

  test.each(['%zz', '%2', '%2e', '%41', 'a.b', '%C3', '\uD800', '*'])('%j is no token of ours', (token) => {
    expect(() => decodeToken(token)).toThrow(InvalidSubjectError)
  })

  test('text that is not well-formed is refused', () => {
    expect(() => encodeToken('a\uDC00')).toThrow(InvalidSubjectError)
  })
})

describe('subjects', () => {
  const key = { namespace: 'default', name: 'net.48' }

  test('say what, where and which', () => {
    expect(commandSubject('pool', key, 'allocate')).toBe('mdhcp.cmd.pool.default.net%2E48.allocate')
    expect(eventSubject('dhcp', key, 'ack')).toBe('mdhcp.event.dhcp.default.net%2E48.ack')
    expect(eventPattern('vm')).toBe('mdhcp.event.vm.*.*.*')
    expect(eventPattern('pool', key, 'delta')).toBe('mdhcp.event.pool.default.net%2E48.delta')
  })

  test('are taken apart again', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, wellFormed, (namespace, name, verb) => {
        const place = { namespace, name }
        expect(parseSubject(commandSubject('pool', place, verb))).toEqual({
          kind: 'cmd',
          about: 'pool',
          key: place,
          verb,
        })
        const event = eventSubject('vm', place, verb)
        expect(parseSubject(event)).toEqual({ kind: 'event', about: 'vm', key: place, verb })
        expect(subjectMatches(eventPattern('vm', place), event)).toBe(true)
        expect(subjectMatches(eventPattern('pool', place), event)).toBe(false)
      }),
    )
  })

  test.each([
    '',
    'a',
    'mdhcp.cmd.pool',
    'mdhcp.x.pool.a.b.c',
    'mdhcp.cmd.pool.a.b.c.d',
    'mdhcp.cmd.pool.a.%zz.c',
  ])('"%s" is not one of ours', (subject) => {
    expect(parseSubject(subject)).toBeUndefined()
  })

  test('no text makes parseSubject throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void parseSubject(`mdhcp.cmd.pool.${text}`)),
    )
  })
})

describe('patterns', () => {
  const token = fc.constantFrom('a', 'b', 'c')
  const subject = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'))
  const pattern = fc
    .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 4 }), fc.boolean())
    .map(([tokens, rest]) => (rest || tokens.length === 0 ? [...tokens, '>'] : tokens).join('.'))

  /** The same said as a regular expression. */
  function naiveMatch(pattern: string, subject: string): boolean {
    const source = pattern
      .split('.')
      .map((part) => (part === '*' ? '[^.]+' : part === '>' ? '.+' : part))
      .join('\\.')
    return new RegExp(`^${source}$`).test(subject)
  }

  test('match as a regular expression would', () => {
    fc.assert(
      fc.property(pattern, subject, (p, s) => subjectMatches(p, s) === naiveMatch(p, s)),
      { numRuns: 2000 },
    )
  })

  test('in an index find the same as one by one', () => {
    fc.assert(
      fc.property(fc.array(pattern), fc.array(fc.nat()), fc.array(subject), (patterns, removed, subjects) => {
        const index = new SubjectIndex<number>()
        for (const [id, p] of patterns.entries()) index.add(p, id)
        const gone = new Set(removed.map((n) => n % Math.max(1, patterns.length)))
        for (const id of gone) {
          const p = patterns[id]
          if (p !== undefined) index.remove(p, id)
        }
        for (const s of subjects) {
          const wanted = [...patterns.keys()].filter(
            (id) => !gone.has(id) && subjectMatches(patterns[id] ?? '', s),
          )
          expect(index.match(s).sort((a, b) => a - b)).toEqual(wanted)
        }
      }),
    )
  })

  test('that were removed leave nothing behind', () => {
    const index = new SubjectIndex<number>()
    for (const p of ['a.b', 'a.*.c', 'a.>', '>', 'a.b']) index.add(p, 1)
    for (const p of ['a.b', 'a.*.c', 'a.>', '>', 'x.y']) index.remove(p, 1)
    expect(index.empty).toBe(true)
  })

  test.each(['a.>.b', '>.>', 'a..b', 'a b', ''])('"%s" is refused', (text) => {
    expect(() => checkPattern(text)).toThrow(InvalidSubjectError)
  })

  test.each(['a.>', '*.*', '>', 'a*.b>c'])('"%s" is allowed', (text) => {
    expect(() => checkPattern(text)).not.toThrow()
  })
})

import { describe, expect, test } from 'vitest'
import { booksAfterQuiet } from '../../../simulations/invariants/books-after-quiet.ts'
import { booksBalance } from '../../../simulations/invariants/books-balance.ts'
import { EPOCH } from '../../../simulations/world/machine.ts'
import { TEST_MAC } from '../../support/objects.ts'
import { ADDRESS, Court, orderly } from './court.ts'

const resting = (at: number) => ({
  [ADDRESS]: { macAddress: TEST_MAC, until: new Date(EPOCH + at).toISOString() },
})

describe('what is written', () => {
  const written = (...pools: ReturnType<typeof orderly>[]) => {
    const court = new Court(({ witness }) => booksBalance(witness))
    for (const pool of pools) court.pool(pool)
    return court.broken()
  }

  test('is in order', () => {
    expect(written(orderly(), orderly({ [ADDRESS]: TEST_MAC }))).toEqual([])
  })

  test('does not count wrong', () => {
    expect(written(orderly({ [ADDRESS]: TEST_MAC }, { ipv4: { used: 2 } }))).toEqual([
      'used + available = capacity',
    ])
  })

  test('is judged by the spec that it is about, also while it lags behind', () => {
    const edited = { metadata: { generation: 2 }, ipv4Config: { pool: { start: '192.168.48.81' } } }
    const lagging = orderly({ [ADDRESS]: TEST_MAC }, edited)
    expect(written(orderly(), lagging)).toEqual([])
    expect(written(orderly(), orderly({}, { ...edited, ipv4: { available: 9 } }))).toEqual([
      'used + available = capacity',
    ])
  })

  test('does not give a MAC two addresses', () => {
    const twice = orderly({ [ADDRESS]: TEST_MAC, '192.168.48.85': TEST_MAC })
    expect(written(twice)).toEqual(['one address a MAC'])
  })

  test('does not give what is excluded', () => {
    const excluded = orderly({}, { ipv4: { allocated: { '192.168.48.81': TEST_MAC }, revision: 1 } })
    expect(written(excluded)).toEqual(['only what is offered'])
  })

  test('has a revision of its own when leases change', () => {
    const late = orderly({ [ADDRESS]: TEST_MAC }, { ipv4: { revision: 0 } })
    expect(written(orderly(), late)).toEqual(['a change has a revision'])
  })
})

describe('what is read after quiet', () => {
  const read = (pool: ReturnType<typeof orderly>) => {
    const court = new Court(({ witness, history }) => booksAfterQuiet(witness, history))
    court.pool(pool, 'operator')
    court.now = 100_000
    return court.afterQuiet()
  }

  test('is in order', () => {
    expect(read(orderly({ [ADDRESS]: TEST_MAC }))).toEqual([])
    expect(read(orderly({}, { ipv4: { resting: resting(99_000) } }))).toEqual([])
  })

  test('is about the latest spec', () => {
    expect(read(orderly({}, { metadata: { generation: 2 } }))).toEqual(['the status is about the spec'])
  })

  test('has no figures that somebody wrote by hand', () => {
    expect(read(orderly({}, { ipv4: { used: 77 } }))).toEqual(['used + available = capacity'])
  })

  test('has all marks, the right ones, and nothing that makes no sense', () => {
    expect(read(orderly({}, { ipv4: { allocated: {} } }))).toEqual(['marks are right'])
    expect(read(orderly({}, { ipv4: { allocated: { '192.168.48.81': 'RESERVED' } } }))).toEqual([
      'marks are right',
    ])
    const nonsense = { '192.168.48.81': 'EXCLUDED', '192.168.48.90': 'EXCLUDED', [ADDRESS]: 'nonsense' }
    expect(read(orderly({}, { ipv4: { allocated: nonsense } }))).toEqual(['marks are right'])
  })

  test('has no rest that is over', () => {
    expect(read(orderly({}, { ipv4: { resting: resting(50_000) } }))).toEqual(['rests end'])
  })
})

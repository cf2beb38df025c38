import { describe, expect, test } from 'vitest'
import { milliseconds, minutes, seconds } from '../../src/api/values/time.ts'
import { LEASE_REQUEST_TIMEOUT } from '../../src/kube/election.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Candidate, createCandidate } from './support/candidate.ts'
import { LeaseServer, PROMPT } from './support/lease-server.ts'

function setUp() {
  const clock = new ManualClock()
  const server = new LeaseServer(clock)
  const candidate = (identity: string, odds = {}) => createCandidate(server, clock, identity, odds)
  return { clock, server, candidate }
}

async function withLeader() {
  const parts = setUp()
  const [a, b] = [parts.candidate('a'), parts.candidate('b-standby')]
  a.start()
  await parts.clock.advance(milliseconds(100))
  b.start()
  await parts.clock.advance(seconds(3))
  expect([a.isLeading(), b.isLeading()]).toEqual([true, false])
  return { ...parts, a, b }
}

/** How long until `candidate` leads, in steps of a tenth of a second. */
async function timeUntilLeading(clock: ManualClock, candidate: Candidate): Promise<number> {
  for (let tenths = 0; tenths < 300; tenths += 1) {
    if (candidate.isLeading()) return tenths / 10
    await clock.advance(milliseconds(100))
  }
  throw new Error('it does not lead within half a minute')
}

describe('of two candidates', () => {
  test('one leads, and writes what client-go writes', async () => {
    const { server, a, b } = await withLeader()

    expect(a.heard).toEqual(['started'])
    expect(b.heard).toEqual([])
    expect(b.holder()).toBe('a')
    const time = expect.stringMatching(/^2026-01-01T00:00:0\d\.\d{6}Z$/)
    expect(server.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 8,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: 0,
    })
    expect(server.spec.renewTime).not.toBe(server.spec.acquireTime)
  })

  test('the leader stays the leader for as long as it renews', async () => {
    const { clock, a, b } = await withLeader()
    await clock.advance(minutes(10))
    expect(a.heard).toEqual(['started'])
    expect(b.heard).toEqual([])
  })

  test('the standby takes over within nine seconds and a half when the leader dies', async () => {
    const { clock, server, a, b } = await withLeader()
    a.clock.pause()
    expect(await timeUntilLeading(clock, b)).toBeLessThanOrEqual(9.5)
    expect(server.spec).toMatchObject({ holderIdentity: 'b-standby', leaseTransitions: 1 })
  })

  test('the standby takes over at its next look when the leader stops', async () => {
    const { clock, server, a, b } = await withLeader()
    const stopped = a.stop()
    expect(a.isLeading()).toBe(false)
    await clock.settle()
    await clock.advance(milliseconds(10))
    await stopped
    expect(server.holder).toBe('')
    expect(a.heard).toEqual(['started', 'ended: it stops'])
    expect(await timeUntilLeading(clock, b)).toBeLessThanOrEqual(1.3)
  })

  test('clocks on the wall that are hours apart change nothing', async () => {
    const { clock, candidate } = setUp()
    const a = candidate('a', { ahead: minutes(-300) })
    const b = candidate('b', { ahead: minutes(300) })
    a.start()
    await clock.advance(milliseconds(100))
    b.start()
    await clock.advance(minutes(2))
    expect([a.heard, b.heard]).toEqual([['started'], []])
    a.clock.pause()
    expect(await timeUntilLeading(clock, b)).toBeLessThanOrEqual(9.5)
  })

  test('that start at the same moment, only one creates the Lease', async () => {
    const { clock, server, candidate } = setUp()
    const [a, b] = [candidate('a'), candidate('b')]
    a.start()
    b.start()
    await clock.advance(seconds(5))
    expect([a.heard, b.heard].map((heard) => heard.length).sort()).toEqual([0, 1])
    expect(server.writes.filter(({ verb }) => verb === 'create')).toHaveLength(1)
  })
})

describe('a leader stops leading', () => {
  test('when the API server is away, before anybody can take its Lease', async () => {
    const { clock, server, a, b } = await withLeader()
    server.fate = () => ({ ...PROMPT, lost: 'request' })
    await clock.advance(seconds(4))
    expect(a.isLeading()).toBe(true)
    await clock.advance(seconds(2))
    expect(a.isLeading()).toBe(false)
    expect(a.heard[1]).toMatch(/^ended: its Lease could not be renewed in time: .*no answer within 2 s/)
    await clock.advance(minutes(5))
    expect(b.isLeading()).toBe(false)

    server.fate = () => PROMPT
    await clock.advance(seconds(3))
    expect([a.isLeading(), b.isLeading()].filter(Boolean)).toHaveLength(1)
    expect(a.log.filter(({ msg }) => msg === 'leader election: no word; trying on')).toHaveLength(1)
  })

  test('at the first thing it does after a pause, and stands by then', async () => {
    const { clock, a, b } = await withLeader()
    a.clock.pause()
    await clock.advance(seconds(20))
    expect(b.isLeading()).toBe(true)

    // Nothing of it has run yet, no timer and no answer, and it is asked already.
    expect(a.isLeading()).toBe(false)
    await Promise.resolve()
    expect(a.heard).toEqual(['started', 'ended: this process did not run in time'])
    a.clock.resume()
    await clock.advance(seconds(20))
    expect([a.isLeading(), b.isLeading()]).toEqual([false, true])
    expect(a.heard).toHaveLength(2)
  })

  test('as soon as it finds that somebody else has its Lease', async () => {
    const { clock, server, a, b } = await withLeader()
    server.edit({ holderIdentity: 'thief' })
    await clock.advance(milliseconds(1300))
    expect(a.heard).toEqual(['started', 'ended: thief holds the Lease'])
    // A thief that does not renew is dead.
    await clock.advance(seconds(10))
    expect([a.isLeading(), b.isLeading()].filter(Boolean)).toHaveLength(1)
  })

  test('for a moment when its Lease is deleted; it leads again before a standby would', async () => {
    const { clock, server, a, b } = await withLeader()
    server.lease = undefined
    await clock.advance(seconds(20))
    expect(a.heard).toEqual(['started', 'ended: its Lease was deleted', 'started'])
    expect(b.heard).toEqual([])
    expect(server.holder).toBe('a')
  })

  test('not when somebody labels its Lease: a conflict is read and written over', async () => {
    const { clock, server, a } = await withLeader()
    for (let count = 0; count < 20; count += 1) {
      server.edit({ strategy: `by hand ${count}` })
      await clock.advance(seconds(1))
    }
    expect(a.heard).toEqual(['started'])
    expect(server.spec).toMatchObject({ holderIdentity: 'a', strategy: 'by hand 19' })
  })

  test('not when its renewals succeed but their answers are lost now and then', async () => {
    const { clock, server, a } = await withLeader()
    let count = 0
    server.fate = () => (count++ % 7 === 0 ? { ...PROMPT, lost: 'answer' } : PROMPT)
    await clock.advance(minutes(2))
    expect(a.heard).toEqual(['started'])
  })

  test('not when two requests in a row hang: a third has its answer in time', async () => {
    const { clock, server, candidate } = setUp()
    const a = candidate('a')
    a.start()
    await clock.advance(seconds(1))
    for (let round = 0; round < 50; round += 1) {
      let asked = 0
      server.fate = () => {
        asked += 1
        return asked <= 2
          ? { there: LEASE_REQUEST_TIMEOUT, back: milliseconds(0), lost: 'request' }
          : { there: milliseconds(350), back: milliseconds(350) }
      }
      await clock.advance(seconds(8))
    }
    expect(a.heard).toEqual(['started'])
  })

  test('when answers come so late that its time is over, counted from when it asked', async () => {
    const { clock, server, a } = await withLeader()
    server.fate = () => ({ there: milliseconds(1), back: seconds(6) })
    await clock.advance(seconds(30))
    expect(a.heard.filter((one) => one.startsWith('ended'))).not.toHaveLength(0)
    expect(a.isLeading()).toBe(false)
  })
})

test('a holder that promised a longer time is given it, but nobody is locked out by a slip of the pen', async () => {
  const { clock, server, candidate } = setUp()
  const held = (leaseDurationSeconds: number) => {
    server.lease = {
      metadata: { namespace: 'harvester-system', name: 'controller', uid: 'u', resourceVersion: 'x' },
      spec: { holderIdentity: 'of an older release', leaseDurationSeconds },
    }
  }
  held(15)
  const a = candidate('a')
  a.start()
  expect(await timeUntilLeading(clock, a)).toBeGreaterThan(15)
  a.clock.pause()

  held(1_000_000_000)
  const b = candidate('b')
  b.start()
  await clock.advance(seconds(62))
  expect(b.isLeading()).toBe(true)
})

test('a Lease without a holder, or without a spec, is free', async () => {
  const { clock, server, candidate } = setUp()
  server.lease = { metadata: { namespace: 'harvester-system', name: 'controller', uid: 'u' } }
  const a = candidate('a')
  a.start()
  await clock.advance(milliseconds(100))
  expect(a.isLeading()).toBe(true)
})

test('after stop nothing runs any more, also when the API server is away', async () => {
  const { clock, server, a, b } = await withLeader()
  server.fate = () => ({ ...PROMPT, lost: 'request' })
  const stopped = Promise.all([a.stop(), b.stop()])
  await clock.advance(seconds(1))
  await stopped
  expect(clock.pending).toBe(0)
})

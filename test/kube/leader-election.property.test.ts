import fc from 'fast-check'
import { expect, test } from 'vitest'
import { milliseconds, seconds } from '../../src/api/values/time.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Candidate, createCandidate } from './support/candidate.ts'
import { type Fate, LeaseServer, PROMPT } from './support/lease-server.ts'

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('wait' as const), tenths: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pause' as const), who: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('resume' as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('stop' as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('label' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('steal' as const) }) },
)

const fate: fc.Arbitrary<Fate> = fc.record(
  {
    there: fc.integer({ min: 1, max: 4000 }).map(milliseconds),
    back: fc.integer({ min: 1, max: 4000 }).map(milliseconds),
    lost: fc.constantFrom('request' as const, 'answer' as const),
  },
  { requiredKeys: ['there', 'back'] },
)
const fates = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(PROMPT) }, fate), { minLength: 1 })

/** leaseDuration/renewDeadline is 1.6: no two clocks may be further apart in speed. */
const odds = fc.record({
  ahead: fc.integer({ min: -1e7, max: 1e7 }).map(milliseconds),
  rate: fc.double({ min: 0.85, max: 1.3, noNaN: true }),
})

test('whatever is late, lost, paused, restarted or edited, two never think at one moment that they lead', async () => {
  let terms = 0
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(odds, odds, odds),
      fates,
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (clocks, script, steps) => {
        const clock = new ManualClock()
        const server = new LeaseServer(clock)
        let requests = 0
        server.fate = () => script[requests++ % script.length] ?? PROMPT
        let born = 0
        const start = (index: number): Candidate => {
          born += 1
          const candidate = createCandidate(server, clock, `candidate ${born}`, {
            ...clocks[index],
            seed: born,
          })
          candidate.start()
          return candidate
        }
        // The Lease is there before the others start, as after any installation.
        server.lease = {
          metadata: { namespace: 'harvester-system', name: 'c', uid: 'u', resourceVersion: '0' },
        }
        const living = [start(0), start(1), start(2)]
        const everybody = [...living]
        const check = () => {
          const leaders = everybody.filter((candidate) => candidate.isLeading())
          expect(leaders.length).toBeLessThanOrEqual(1)
        }
        /** A tenth of a second at a time: what holds must hold in between. */
        const wait = async (tenths: number) => {
          for (let count = 0; count < tenths; count += 1) {
            await clock.advance(milliseconds(100))
            check()
          }
        }

        for (const one of steps) {
          if (one.type === 'wait') await wait(one.tenths)
          else if (one.type === 'label') server.edit({ strategy: `${requests}` })
          else if (one.type === 'steal') server.edit({ holderIdentity: 'thief', leaseDurationSeconds: 8 })
          else if (one.type === 'pause') living[one.who]?.clock.pause()
          else if (one.type === 'resume') living[one.who]?.clock.resume()
          else if (one.type === 'stop') void living[one.who]?.stop()
          else {
            // kill -9: it is never heard of again, but for what it had sent.
            living[one.who]?.clock.pause()
            living[one.who] = start(one.who)
            everybody.push(living[one.who] as Candidate)
          }
          await clock.settle()
          check()
        }
        terms += everybody.flatMap(({ heard }) => heard.filter((what) => what === 'started')).length

        // Then all is well again, and one leads.
        server.fate = () => PROMPT
        for (const candidate of living) candidate.clock.resume()
        everybody.push(start(0))
        await wait(250)
        expect(everybody.filter((candidate) => candidate.isLeading())).toHaveLength(1)
        await clock.advance(seconds(1))
      },
    ),
    { numRuns: Number(process.env.ELECTION_RUNS ?? 200) },
  )
  // Were nobody ever elected, two would never be.
  expect(terms).toBeGreaterThan(100)
}, 120_000)

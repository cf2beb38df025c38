import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOf, allocated, macOf, released } from './builders.ts'
import type { PoolOperation } from './events.ts'
import { checkLinearizable, tellVerdict } from './linearizability.ts'

const MACHINES = 5
const ADDRESSES = 4

/** One operation: it takes effect at its turn, was called `before` that and answered `after` it. */
const step = fc.record({
  machine: fc.nat(MACHINES - 1),
  wish: fc.constantFrom('allocate', 'allocate', 'release'),
  /** Which of the free addresses the pool chooses. */
  choice: fc.nat(ADDRESSES - 1),
  before: fc.nat(35),
  after: fc.nat(35),
  fate: fc.constantFrom('answered', 'answered', 'answered', 'answered', 'unheard', 'lost'),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** What a pool that does one thing after another answers, as callers with any overlap see it. */
function play(steps: readonly Step[]): PoolOperation[] {
  const held = new Map<number, number>()
  return steps.map(({ machine, wish, choice, before, after, fate }, turn) => {
    const at = turn * 10
    const free = Array.from({ length: ADDRESSES }, (_, index) => index).filter(
      (a) => ![...held.values()].includes(a),
    )
    const address = held.get(machine) ?? free[choice % free.length]
    if (fate !== 'lost') {
      if (wish === 'release') held.delete(machine)
      else if (address !== undefined) held.set(machine, address)
    }
    const isUnknown = fate !== 'answered'
    if (wish === 'release')
      return released(machine, at - before, at + after, isUnknown ? 'unknown' : 'released')
    return allocated(machine, isUnknown ? 'unknown' : (address ?? 'refused'), at - before, at + after)
  })
}

test('what a correct pool answers is always accepted, whatever overlaps and whatever answers are lost', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 24 }), (steps) => {
      const verdict = checkLinearizable(play(steps))
      expect(verdict.type, tellVerdict(verdict)).toBe('linearizable')
    }),
    { numRuns: 300 },
  )
})

test('one wrong answer, the address of another that surely holds it all the while, is always refused', () => {
  let planted = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 4, maxLength: 16 }), (steps) => {
      for (const history of plantWrongAnswers(play(steps))) {
        planted += 1
        const verdict = checkLinearizable(history, { maximumSteps: 1_000_000 })
        expect(verdict.type).toBe('not-linearizable')
      }
    }),
    { numRuns: 300 },
  )
  expect(planted).toBeGreaterThan(100)
})

function plantWrongAnswers(history: readonly PoolOperation[]): PoolOperation[][] {
  return history.flatMap((victim, index) => {
    if (victim.type !== 'allocate' || victim.outcome.type === 'unknown') return []
    const address = sureHolding(history, victim)
    if (address === undefined) return []
    return [history.with(index, { ...victim, outcome: { type: 'address', address } })]
  })
}

/** An address that another MAC was told before the victim's call, and had not begun to give back at its answer. */
function sureHolding(history: readonly PoolOperation[], victim: PoolOperation) {
  for (let number = 0; number < ADDRESSES; number++) {
    const address = addressOf(number)
    const isSure = Array.from({ length: MACHINES }, (_, machine) => macOf(machine)).some((mac) => {
      if (mac === victim.mac) return false
      const told = history.some(
        (other) =>
          other.mac === mac &&
          other.outcome.type === 'address' &&
          other.outcome.address === address &&
          other.respondedAt < victim.invokedAt &&
          !history.some((later) => isLaterRelease(later, other, victim)),
      )
      return told
    })
    if (isSure) return address
  }
  return undefined
}

/** A release that may have taken effect after `told` and before the victim's answer. */
function isLaterRelease(operation: PoolOperation, told: PoolOperation, victim: PoolOperation): boolean {
  if (operation.type !== 'release' || operation.mac !== told.mac) return false
  const isOver = operation.outcome.type === 'released' && operation.respondedAt < told.invokedAt
  return !isOver && operation.invokedAt <= victim.respondedAt
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { IPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../src/api/values/mac-address.ts'
import type { Allocator } from '../../src/ipam/allocator.ts'
import { createAllocator } from '../../src/ipam/range-allocator.ts'
import { ip, mac, offset } from './support.ts'

/** The same promise kept with arrays and linear searches. */
class NaiveModel {
  readonly all: IPv4Address[]
  readonly excluded: IPv4Address[]
  held: [IPv4Address, MacAddress][] = []
  resting: [IPv4Address, MacAddress][] = []
  used = new Set<IPv4Address>()
  released: IPv4Address[] = []

  constructor(start: IPv4Address, size: number, excluded: IPv4Address[]) {
    this.all = Array.from({ length: size }, (_, index) => offset(start, index))
    this.excluded = excluded
  }

  leasable(address: IPv4Address): boolean {
    return this.all.includes(address) && !this.excluded.includes(address)
  }

  state(address: IPv4Address): 'held' | 'resting' | 'none' {
    if (this.held.some(([held]) => held === address)) return 'held'
    return this.resting.some(([resting]) => resting === address) ? 'resting' : 'none'
  }

  ownerOf(address: IPv4Address): MacAddress | undefined {
    return [...this.held, ...this.resting].find(([owned]) => owned === address)?.[1]
  }

  choose(who: MacAddress, hint: IPv4Address | undefined): IPv4Address | undefined {
    const holds = this.held.find(([, holder]) => holder === who)?.[0]
    if (holds !== undefined) return holds
    const kept = this.resting
      .filter(([address, owner]) => owner === who && this.leasable(address))
      .map(([a]) => a)
    if (hint !== undefined && kept.includes(hint)) return hint
    if (kept.length > 0) return kept.at(-1)
    if (hint !== undefined && this.leasable(hint) && this.state(hint) === 'none') return hint
    return this.all.find((address) => this.leasable(address) && !this.used.has(address)) ?? this.released[0]
  }

  forget(address: IPv4Address): void {
    this.held = this.held.filter(([held]) => held !== address)
    this.resting = this.resting.filter(([resting]) => resting !== address)
    this.released = this.released.filter((released) => released !== address)
  }

  hold(address: IPv4Address, who: MacAddress): void {
    this.forget(address)
    this.used.add(address)
    this.held.push([address, who])
  }

  rest(address: IPv4Address, who: MacAddress): void {
    this.forget(address)
    this.used.add(address)
    this.resting.push([address, who])
  }

  free(address: IPv4Address): void {
    this.forget(address)
    if (this.leasable(address)) this.released.push(address)
  }
}

type Step = fc.Command<NaiveModel, Allocator>

function step(name: string, run: (model: NaiveModel, real: Allocator) => void): Step {
  return {
    check: () => true,
    run(model, real) {
      run(model, real)
      agree(model, real)
    },
    toString: () => name,
  }
}

function agree(model: NaiveModel, real: Allocator): void {
  const byAddress = (a: [IPv4Address, MacAddress], b: [IPv4Address, MacAddress]) => a[0] - b[0]
  const used = model.held.filter(([address]) => model.leasable(address)).length
  expect([...real.held()]).toEqual([...model.held].sort(byAddress))
  expect([...real.resting()]).toEqual([...model.resting].sort(byAddress))
  expect(real.used).toBe(used)
  expect(real.used + real.available).toBe(real.capacity)
  expect(real.capacity).toBe(model.all.filter((address) => model.leasable(address)).length)
  for (const [address, who] of model.held) {
    expect(real.holderOf(address)).toBe(who)
    expect(real.addressOf(who)).toBe(address)
  }
}

/** What the model says: the real one must do the same, or refuse. */
function expectTaken(take: () => void, allowed: boolean): void {
  if (allowed) take()
  else expect(take).toThrow()
}

function steps(start: IPv4Address, size: number): fc.Arbitrary<Step>[] {
  const who = fc.integer({ min: 1, max: 6 }).map(mac)
  const address = fc.integer({ min: -1, max: size }).map((by) => offset(start, by))
  return [
    fc.tuple(who, fc.option(address, { nil: undefined })).map(([who, hint]) =>
      step(`allocate(${who}, ${hint})`, (model, real) => {
        const expected = model.choose(who, hint)
        if (expected === undefined) {
          expect(() => real.allocate(who, hint)).toThrow(/no free address/)
          return
        }
        expect(real.allocate(who, hint)).toBe(expected)
        if (model.ownerOf(expected) !== who || model.state(expected) !== 'held') model.hold(expected, who)
      }),
    ),
    fc.tuple(address, who, fc.boolean()).map(([address, who, adopt]) =>
      step(`${adopt ? 'adopt' : 'claim'}(${address}, ${who})`, (model, real) => {
        const owner = model.ownerOf(address)
        const same = owner === who && model.state(address) === 'held'
        const macIsFree = !model.held.some(([, holder]) => holder === who)
        const addressIsFree = owner === undefined || owner === who
        const allowed = same || (macIsFree && addressIsFree && (adopt || model.leasable(address)))
        expectTaken(() => (adopt ? real.adopt(address, who) : real.claim(address, who)), allowed)
        if (allowed && !same) model.hold(address, who)
      }),
    ),
    fc.tuple(who, fc.boolean()).map(([who, rest]) =>
      step(`release(${who}, rest ${rest})`, (model, real) => {
        const address = model.held.find(([, holder]) => holder === who)?.[0]
        expect(real.release(who, { rest })).toBe(address)
        if (address === undefined) return
        if (rest) model.rest(address, who)
        else model.free(address)
      }),
    ),
    fc.tuple(address, who).map(([address, who]) =>
      step(`rest(${address}, ${who})`, (model, real) => {
        const free = model.state(address) === 'none'
        const same = model.state(address) === 'resting' && model.ownerOf(address) === who
        expectTaken(() => real.rest(address, who), free || same)
        if (free) model.rest(address, who)
      }),
    ),
    address.map((address) =>
      step(`wake(${address})`, (model, real) => {
        real.wake(address)
        if (model.state(address) === 'resting') model.free(address)
      }),
    ),
  ]
}

test.each([
  ['inside the address space', '10.0.0.4'],
  ['at the end of the address space', '255.255.255.248'],
])('any sequence of calls does what a naive model does, in the same order (%s)', (_, startText) => {
  const start = ip(startText)
  const size = 8
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: size }), { maxLength: size }),
      fc.commands(steps(start, size), { maxCommands: 60 }),
      (excludedOffsets, commands) => {
        const excluded = excludedOffsets.map((by) => offset(start, by))
        fc.modelRun(
          () => ({
            model: new NaiveModel(start, size, excluded),
            real: createAllocator({ range: { start, end: offset(start, size - 1) }, excluded }),
          }),
          commands,
        )
      },
    ),
    { numRuns: 500 },
  )
})

import { expect } from 'vitest'
import type { AllocateReply } from '../../../actors/pool/contracts.ts'
import { decide } from '../../../actors/pool/decide.ts'
import type { CommitFailure, PoolEffect, PoolMessage } from '../../../actors/pool/messages.ts'
import { initialPoolState, type PoolState } from '../../../actors/pool/state.ts'
import { type IPPool, ipPoolSchema } from '../../../src/api/ippool.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { type Instant, later, parseInstant, seconds } from '../../../src/api/values/time.ts'
import { applyMergePatch } from '../../support/merge-patch.ts'

export const mac = (index: number) => parseMacAddress(`02:00:00:00:00:${index.toString(16).padStart(2, '0')}`)
const owner = (index: number) => ({
  namespace: 'default',
  name: `vm-${index}`,
  uid: `uid-${index}`,
  generation: 1,
})

const SERVER = '10.0.0.11'
/** Ranges of different sizes; the server is inside all of them, but for the last, which is invalid for that. */
const SPECS = [
  { start: '10.0.0.10', end: '10.0.0.19', exclude: ['10.0.0.13'], leaseTime: 300 },
  { start: '10.0.0.10', end: '10.0.0.14', exclude: [], leaseTime: 60 },
  { start: '10.0.0.10', end: '10.0.0.29', exclude: ['10.0.0.12', '10.0.0.28', '10.0.0.99'], leaseTime: 300 },
  { server: '10.9.9.9', start: '10.0.0.12', end: '10.0.0.17', exclude: ['10.0.0.14'], leaseTime: 30 },
] as const
const isInvalid = (spec: IPPool['spec']) => spec.ipv4Config.serverIP !== SERVER

interface Wish {
  wanted: boolean
  pinned: string | undefined
  /** The VM was gone for good at least once: its address may be given to another at once. */
  everGone: boolean
  mayRun: boolean
}

type Answered = Exclude<PoolEffect, { type: 'publish' | 'record' | 'nudge-network' | 'nudge-owners' }>

/**
 * A pool actor in a world of its own: an object with a resourceVersion, owners with wishes, and messages and effects
 * that come in any order. Each version of the object is held against the laws.
 */
export class PoolWorld {
  now: Instant = parseInstant('2026-01-01T00:00:00Z')
  object: IPPool = ipPoolSchema.parse({
    metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1', generation: 1 },
    spec: this.#spec(0),
  })
  state: PoolState = initialPoolState(this.now)
  /** Effects that were started and have not come back, with the world as it was then: a read may be that old. */
  underWay: { effect: Answered; object: IPPool; wishes: readonly Wish[] }[] = []
  /** Writes whose sender has given up, and that may still arrive. */
  #late: Extract<PoolEffect, { type: 'commit' }>[] = []
  readonly wishes: Wish[]
  readonly #sent: PoolMessage[] = []
  readonly #askers = new Map<number, number>()
  /** What owners were told, for as long as they want it. */
  readonly #told = new Map<number, string>()
  #token = 1
  #highestRevision = 0

  constructor(readonly size: number) {
    this.wishes = Array.from({ length: size }, () => ({
      wanted: false,
      pinned: undefined,
      everGone: false,
      mayRun: true,
    }))
    this.tell({ type: 'tick' })
  }

  #spec(variant: number) {
    const chosen = SPECS[variant % SPECS.length] ?? SPECS[0]
    const { start, end, exclude, leaseTime } = chosen
    return {
      networkName: 'default/net',
      ipv4Config: {
        serverIP: 'server' in chosen ? chosen.server : SERVER,
        cidr: '10.0.0.0/24',
        pool: { start, end, exclude: [...exclude] },
        leaseTime,
      },
    }
  }

  tell(message: PoolMessage): void {
    const { state, effects } = decide(this.state, message, this.now)
    this.state = state
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: PoolEffect): void {
    switch (effect.type) {
      case 'publish':
      case 'record':
      case 'nudge-network':
      case 'nudge-owners':
        return
      case 'reply-allocate':
        return this.#allocateAnswered(effect.token, effect.body)
      case 'reply-release':
      case 'reply-report':
      case 'reply-snapshot':
        return
      default:
        this.underWay.push({ effect, object: this.object, wishes: structuredClone(this.wishes) })
    }
  }

  /** Law 2: what is told is what the object says. */
  #allocateAnswered(token: number, body: AllocateReply): void {
    const index = this.#askers.get(token)
    if (index === undefined || body.outcome !== 'allocated') return
    expect(this.object.status?.ipv4?.allocated?.[body.address]).toBe(mac(index))
    const wish = this.wishes[index]
    if (wish?.wanted && (wish.pinned ?? body.address) === body.address) this.#told.set(index, body.address)
  }

  /** The owner looks at what it wants, and asks for that. */
  ask(index: number): void {
    const wish = this.wishes[index % this.size]
    if (wish === undefined) return
    const about = { macAddress: mac(index % this.size), owner: owner(index % this.size) }
    const token = this.#token++
    const message: PoolMessage = wish.wanted
      ? {
          type: 'allocate',
          token,
          // The watch may not have shown the wish yet; then the API is looked at.
          asked: token % 3 !== 0,
          contested: false,
          request: { ...about, ...(wish.pinned === undefined ? {} : { pinnedAddress: wish.pinned }) },
        }
      : { type: 'release', token, request: about }
    this.#askers.set(token, index % this.size)
    this.#sent.push(message)
    this.tell(message)
  }

  /** A message comes twice, or late. */
  repeat(index: number): void {
    const message = this.#sent[index % Math.max(this.#sent.length, 1)]
    if (message !== undefined) this.tell(message)
  }

  want(index: number, pin: number): void {
    const wish = this.wishes[index % this.size]
    if (wish === undefined) return
    wish.wanted = true
    wish.mayRun = true
    const pinned = pin % 4 === 0 ? `10.0.0.${10 + (pin % 7)}` : undefined
    if (pinned !== wish.pinned) this.#told.delete(index % this.size)
    wish.pinned = pinned
  }

  drop(index: number, isGone: boolean): void {
    const wish = this.wishes[index % this.size]
    if (wish === undefined) return
    wish.wanted = false
    this.#told.delete(index % this.size)
    wish.mayRun = !isGone
    wish.everGone ||= isGone
  }

  /** People edit the spec; the watch may or may not say so. */
  edit(variant: number, isSeen: boolean): void {
    this.#write({ ...this.object, spec: this.#spec(variant) }, true)
    if (isSeen) this.tell({ type: 'pool-changed', resourceVersion: this.object.metadata.resourceVersion })
  }

  /** An earlier release of the system has its turn: it knows the leases, their counts and the conditions only. */
  dropWhatOthersDoNotKnow(): void {
    const { conditions, ipv4 } = this.object.status ?? {}
    const { allocated, used, available } = ipv4 ?? {}
    this.#write({ ...this.object, status: { conditions, ipv4: { allocated, used, available } } }, false)
    this.now = later(this.now, seconds(5))
    this.restart()
  }

  /** The process ends, and another begins; what was on its way may still arrive. */
  restart(): void {
    for (const { effect } of this.underWay) if (effect.type === 'commit') this.#late.push(effect)
    this.underWay = []
    this.state = initialPoolState(this.now)
    this.tell({ type: 'tick' })
  }

  pass(length: number): void {
    this.now = later(this.now, seconds(length))
    this.tell({ type: 'tick' })
  }

  /** A write that nobody waits for any more arrives. */
  arrive(index: number): void {
    const [write] = this.#late.splice(index % Math.max(this.#late.length, 1), 1)
    if (write !== undefined) this.#commit(write)
  }

  /** One effect comes back: well, or with one of the ways to fail. */
  comeBack(index: number, fault: number): void {
    const [started] = this.underWay.splice(index % Math.max(this.underWay.length, 1), 1)
    if (started === undefined) return
    const { effect } = started
    const { object, wishes } = fault === 2 ? started : this
    switch (effect.type) {
      case 'read-pool':
        if (fault === 1) return this.tell({ type: 'pool-read-failed' })
        return this.tell({ type: 'pool-read', pool: structuredClone(object) })
      case 'commit':
        return this.#commitComesBack(effect, fault)
      case 'check-demand': {
        if (fault === 1)
          return this.tell({ type: 'demand-check-failed', check: effect.check, reason: 'API down' })
        const number = wishes.findIndex((_, each) => mac(each) === effect.mac)
        const wish = wishes[number]
        const wanted = wish?.wanted ?? false
        return this.tell({
          type: 'demand-checked',
          check: effect.check,
          demand: {
            ownerExists: true,
            wanted,
            owner: wanted ? owner(number) : undefined,
            pinnedAddress: wanted && wish?.pinned !== undefined ? parseIPv4Address(wish.pinned) : undefined,
            clientMayRun: wish?.mayRun ?? true,
          },
        })
      }
      case 'find-orphans': {
        const isWanted = (each: string) => wishes.some(({ wanted }, number) => wanted && mac(number) === each)
        const orphans = [...effect.held].filter(([each]) => !isWanted(each))
        return this.tell({
          type: 'orphans-found',
          orphans: orphans.map(([each, { serial }]) => ({ mac: each, claim: serial })),
          changesByOthers: effect.changesByOthers,
        })
      }
      case 'check-registration':
        return this.tell({
          type: 'registration-checked',
          registration: fault === 1 ? undefined : { registered: true },
        })
      case 'add-finalizer':
        if (fault !== 1) {
          const finalizers = ['wrangler.cattle.io/vm-dhcp-ippool-controller']
          this.#write({ ...this.object, metadata: { ...this.object.metadata, finalizers } }, false)
        }
        return this.tell({ type: 'finalizers-written', ok: fault !== 1 })
      default:
        return
    }
  }

  #commitComesBack(effect: Extract<PoolEffect, { type: 'commit' }>, fault: number): void {
    const failed = (cause: CommitFailure) => this.tell({ type: 'commit-failed', cause, reason: 'fault' })
    if (fault === 1) return failed('conflict')
    if (fault === 2) return failed('unknown')
    if (fault === 3) return failed('refused')
    if (fault === 6) return failed('throttled')
    if (fault === 4) {
      this.#late.push(effect)
      return failed('unknown')
    }
    const isWritten = this.#commit(effect)
    if (fault === 5) return failed('unknown')
    if (!isWritten) return failed('conflict')
    this.tell({ type: 'commit-done', pool: structuredClone(this.object) })
    // The echo of the watch.
    this.tell({ type: 'pool-changed', resourceVersion: this.object.metadata.resourceVersion })
  }

  #commit({ patch }: Extract<PoolEffect, { type: 'commit' }>): boolean {
    const { metadata, status } = patch
    expect(metadata).toMatchObject({ resourceVersion: expect.any(String) })
    const { resourceVersion } = metadata as { resourceVersion: string }
    if (resourceVersion !== this.object.metadata.resourceVersion) return false
    const before = this.object
    const merged = ipPoolSchema.parse(applyMergePatch({ ...before }, { status }))
    this.#write(merged, false)
    this.#holdAgainstTheLaws(before, this.object)
    return true
  }

  #write(object: IPPool, isEdit: boolean): void {
    const { resourceVersion, generation = 0 } = this.object.metadata
    this.object = structuredClone({
      ...object,
      metadata: {
        ...object.metadata,
        resourceVersion: String(Number(resourceVersion) + 1),
        generation: isEdit ? generation + 1 : generation,
      },
    })
  }

  #holdAgainstTheLaws(before: IPPool, after: IPPool): void {
    const { allocated = {}, used = 0, available = 0, revision = 0, resting = {} } = after.status?.ipv4 ?? {}
    const { pool, serverIP: server } = servedBy(after).ipv4Config
    const leases = Object.entries(allocated).filter(([, text]) => text.includes(':'))
    const macs = leases.map(([, text]) => text)
    // Law 1: one address a MAC, and one MAC an address.
    expect(new Set(macs).size).toBe(macs.length)

    // Law 7: what was told stays, for as long as its owner wants it.
    for (const [index, address] of this.#told)
      expect([index, allocated[address]]).toEqual([index, mac(index)])

    // Law 8, and the marks, counted the slow way.
    const range: string[] = []
    const lastOctet = (address = '') => Number(address.split('.')[3])
    for (let last = lastOctet(pool?.start); last <= lastOctet(pool?.end); last++) {
      range.push(`10.0.0.${last}`)
    }
    const excluded = new Set(pool?.exclude)
    const leasable = range.filter((address) => !excluded.has(address) && address !== server)
    expect(used + available).toBe(leasable.length)
    expect(used).toBe(leases.filter(([address]) => leasable.includes(address)).length)
    const marks = Object.fromEntries(Object.entries(allocated).filter(([, text]) => !text.includes(':')))
    const expected = range
      .filter((address) => !leases.some(([held]) => held === address))
      .flatMap((address) =>
        address === server ? [[address, 'RESERVED']] : excluded.has(address) ? [[address, 'EXCLUDED']] : [],
      )
    expect(marks).toEqual(Object.fromEntries(expected))

    const earlier = before.status?.ipv4 ?? {}
    const earlierLeases = Object.entries(earlier.allocated ?? {}).filter(([, text]) => text.includes(':'))
    // An address that rests goes back to its own MAC only, before its time, which may turn out to be later.
    for (const [address, rest] of Object.entries(earlier.resting ?? {})) {
      if (parseInstant(rest.until) <= this.now) continue
      if (allocated[address] === rest.macAddress) continue
      const { macAddress, until = '' } = resting[address] ?? {}
      expect(macAddress).toBe(rest.macAddress)
      expect(parseInstant(until)).toBeGreaterThanOrEqual(parseInstant(rest.until))
    }
    // An address that is given back rests, unless its VM was gone.
    for (const [address, text] of earlierLeases) {
      if (allocated[address] === text) continue
      const number = this.wishes.findIndex((_, index) => mac(index) === text)
      if (this.wishes[number]?.everGone) continue
      expect(resting[address]?.macAddress).toBe(text)
    }
    // Agents hear of every change.
    const isChanged = JSON.stringify(leases.sort()) !== JSON.stringify(earlierLeases.sort())
    expect(revision).toBeGreaterThanOrEqual((earlier.revision ?? 0) + (isChanged ? 1 : 0))
    expect(revision).toBeGreaterThanOrEqual(this.#highestRevision)
    this.#highestRevision = revision
  }

  /** Nothing fails any more, everybody looks again, and time passes. */
  calmDown(): void {
    this.#late = []
    if (isInvalid(this.object.spec)) this.edit(0, true)
    for (let round = 0; round < 6; round++) {
      this.tell({ type: 'pool-changed', resourceVersion: this.object.metadata.resourceVersion })
      for (let index = 0; index < this.size; index++) this.ask(index)
      this.letPass(round < 2 ? 1 : 11)
    }
  }

  /** Ticks come as they should: without one for several seconds an actor thinks that its process was stopped. */
  letPass(length: number): void {
    for (let step = 0; step < 40; step++) {
      for (let left = length; left > 0; left -= 4) {
        for (let waiting = this.underWay.length; waiting > 0; waiting--) this.comeBack(0, 0)
        this.pass(Math.min(left, 4))
      }
    }
  }

  leases(): Record<string, string> {
    const { allocated = {} } = this.object.status?.ipv4 ?? {}
    return Object.fromEntries(Object.entries(allocated).filter(([, text]) => text.includes(':')))
  }
}

/** What the status must follow: the spec, or the last valid one while that is invalid and another is known. */
function servedBy({ spec, status }: IPPool): IPPool['spec'] {
  const earlier = ipPoolSchema.shape.spec.safeParse(status?.servedSpec).data
  return isInvalid(spec) && earlier !== undefined ? earlier : spec
}

import { decide } from '../../../actors/pool/decide.ts'
import type { PoolEffect, PoolMessage } from '../../../actors/pool/messages.ts'
import { initialPoolState, type PoolState } from '../../../actors/pool/state.ts'
import { type IPPool, ipPoolSchema } from '../../../src/api/ippool.ts'
import { type Instant, later, parseInstant, seconds } from '../../../src/api/values/time.ts'
import { applyMergePatch } from '../../support/merge-patch.ts'
import { TEST_MAC } from '../../support/objects.ts'

type EffectOf<Type extends PoolEffect['type']> = Extract<PoolEffect, { type: Type }>

export const OWNER = { namespace: 'default', name: 'test-vm', uid: 'config-uid', generation: 1 }

/** A pool actor's `decide`, one message at a time, with what it wants done in order of appearance. */
export class PoolDriver {
  state: PoolState
  effects: PoolEffect[] = []
  now: Instant = parseInstant('2026-01-01T00:00:00Z')
  #token = 1

  constructor() {
    this.state = initialPoolState(this.now)
  }

  /** An actor at the start of its term: it has read its pool. */
  static started(pool: IPPool): PoolDriver {
    const driver = new PoolDriver()
    driver.tell({ type: 'tick' })
    driver.tell({ type: 'pool-read', pool })
    return driver
  }

  /** An actor that has read its pool and registered its network, and waits. */
  static of(pool: IPPool): PoolDriver {
    const driver = PoolDriver.started(pool)
    driver.tell({ type: 'registration-checked', registration: { registered: true } })
    driver.commit()
    if (driver.all('commit').length > 0) driver.commit()
    driver.effects = []
    return driver
  }

  tell(message: PoolMessage): void {
    const { state, effects } = decide(this.state, message, this.now)
    this.state = state
    this.effects.push(...effects)
  }

  /** @returns the token of the request */
  allocate(
    options: {
      mac?: string
      pinned?: string
      hint?: string
      owner?: typeof OWNER
      asked?: boolean
      contested?: boolean
    } = {},
  ) {
    const { mac = TEST_MAC, pinned, hint, owner = OWNER, asked = true, contested = false } = options
    const token = this.#token++
    const pins = { ...(pinned ? { pinnedAddress: pinned } : {}), ...(hint ? { hint } : {}) }
    this.tell({ type: 'allocate', token, asked, contested, request: { macAddress: mac, owner, ...pins } })
    return token
  }

  release(mac: string = TEST_MAC, owner = OWNER): number {
    const token = this.#token++
    this.tell({ type: 'release', token, request: { macAddress: mac, owner } })
    return token
  }

  all<Type extends PoolEffect['type']>(type: Type): EffectOf<Type>[] {
    return this.effects.filter((effect): effect is EffectOf<Type> => effect.type === type)
  }

  /** Takes the first effect of a kind off the list: it is carried out now. */
  take<Type extends PoolEffect['type']>(type: Type): EffectOf<Type> {
    const index = this.effects.findIndex((effect) => effect.type === type)
    const [effect] = index < 0 ? [] : this.effects.splice(index, 1)
    if (effect === undefined) throw new Error(`no ${type} among ${this.effects.map((each) => each.type)}`)
    return effect as EffectOf<Type>
  }

  /** Carries out the write that is under way. @returns the status that it made */
  commit(): IPPool['status'] {
    const pool = this.written()
    this.tell({ type: 'commit-done', pool })
    return pool.status
  }

  /** Carries out the read that is under way: the API says what is known already. */
  looked(): void {
    this.take('read-pool')
    this.tell({ type: 'pool-read', pool: this.state.pool })
  }

  /** The object as the write that is under way makes it; nobody is told. */
  written(): IPPool {
    const { patch } = this.take('commit')
    const before = this.state.pool
    const resourceVersion = String(Number(before?.metadata.resourceVersion) + 1)
    const merged = applyMergePatch(before, { ...patch, metadata: { resourceVersion } })
    return ipPoolSchema.parse(merged)
  }

  wanted(
    isWanted: boolean,
    details: { clientMayRun?: boolean; owner?: typeof OWNER; ownerExists?: boolean } = {},
  ): void {
    const { check } = this.take('check-demand')
    const { clientMayRun = true, owner = OWNER, ownerExists = true } = details
    this.tell({
      type: 'demand-checked',
      check,
      demand: {
        ownerExists,
        wanted: isWanted,
        owner: isWanted ? owner : undefined,
        pinnedAddress: undefined,
        clientMayRun,
      },
    })
  }

  /** That nobody asks for any of the MACs that a search was about. */
  foundToBeOrphans({ held, changesByOthers }: EffectOf<'find-orphans'>): void {
    const orphans = [...held].map(([mac, { serial }]) => ({ mac, claim: serial }))
    this.tell({ type: 'orphans-found', orphans, changesByOthers })
  }

  /** Somebody else wrote the IPPool, and what it says is as before: the actor hears of it, unless it is reading already. */
  changedByOthers(): void {
    const { pool, reading } = this.state
    const resourceVersion = String(Number(pool?.metadata.resourceVersion) + 1)
    if (!reading) this.tell({ type: 'pool-changed', resourceVersion })
    const metadata = { ...pool?.metadata, resourceVersion }
    this.tell({ type: 'pool-read', pool: ipPoolSchema.parse({ ...pool, metadata }) })
  }

  replyTo(token: number) {
    const replies = [...this.all('reply-allocate'), ...this.all('reply-release')]
    return replies.find((effect) => effect.token === token)?.body
  }

  pass(count: number): void {
    for (let second = 0; second < count; second++) {
      this.stopped(1)
      this.tell({ type: 'tick' })
    }
  }

  /** The process is stopped for so many seconds. */
  stopped(count: number): void {
    this.now = later(this.now, seconds(count))
  }
}

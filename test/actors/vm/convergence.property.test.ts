import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide } from '../../../actors/vm/decide.ts'
import type { Observed, VmEffect, VmMessage } from '../../../actors/vm/messages.ts'
import { initialVmState, type VmState } from '../../../actors/vm/state.ts'
import { type Instant, later, parseInstant, seconds } from '../../../src/api/values/time.ts'
import type { VirtualMachine } from '../../../src/api/virtual-machine.ts'
import {
  requestedNetworks,
  type VmNetworkConfig,
  vmNetworkConfigSchema,
} from '../../../src/api/vm-network-config.ts'
import { applyMergePatch } from '../../support/merge-patch.ts'
import { vmObject } from '../../support/objects.ts'

const NETWORKS = ['default/net-48', 'default/net-49']
const macOf = (index: number) => `02:00:00:00:00:0${index}`

/** One VM in a world that loses, delays and refuses: an API with resourceVersions, and two pools that keep the law. */
class VmWorld {
  now: Instant = parseInstant('2026-01-01T00:00:00Z')
  vm: VirtualMachine | undefined
  config: VmNetworkConfig | undefined
  /** "mac network" to address. */
  readonly leases = new Map<string, string>()
  readonly pools = new Map(
    NETWORKS.map((network, index) => [
      network,
      { namespace: 'default', name: `pool-${index}`, uid: `pool-${index}` },
    ]),
  )
  state: VmState = initialVmState()
  underWay: VmEffect[] = []
  #version = 1
  #address = 10
  #uid = 1

  tell(message: VmMessage): void {
    const { state, effects } = decide(this.state, message, this.now)
    this.state = state
    for (const effect of effects) {
      const isHeard = ['wake', 'publish', 'record', 'finish'].includes(effect.type)
      if (!isHeard) this.underWay.push(effect)
    }
  }

  look(): void {
    const observed: Observed = {
      vm: this.vm,
      config: this.config,
      instance: undefined,
      pools: new Map(this.pools),
    }
    this.tell({ type: 'observed', observed: structuredClone(observed) })
  }

  restart(): void {
    this.state = initialVmState()
    // What was on its way still arrives, and nobody hears of it.
    for (const effect of this.underWay.splice(0)) this.#perform(effect)
    this.look()
  }

  setVm(nics: readonly number[]): void {
    const spec = Object.fromEntries(
      nics.map((nic, index) => [`nic-${index}`, { mac: macOf(nic % 4), network: NETWORKS[nic % 2] ?? '' }]),
    )
    this.vm = vmObject(spec, { uid: this.vm?.metadata.uid ?? `vm-${this.#uid++}` })
  }

  /** @param fault 0: well. 1: failed before, 2: failed after it took effect. */
  comeBack(index: number, fault: number): void {
    const [effect] = this.underWay.splice(index % Math.max(this.underWay.length, 1), 1)
    if (effect === undefined) return
    if (effect.type === 'observe') return this.look()
    const outcome = fault === 1 ? undefined : this.#perform(effect)
    if (fault === 0 && outcome !== undefined) return this.tell(outcome)
    if (effect.type === 'allocate' || effect.type === 'release') {
      return this.tell({ type: 'request-failed', nic: effect.nic, ask: effect.ask, reason: 'no answer' })
    }
    this.tell({ type: 'write-failed', reason: 'fault' })
  }

  #perform(effect: VmEffect): VmMessage | undefined {
    switch (effect.type) {
      case 'allocate': {
        const key = `${effect.request.macAddress} ${this.#networkOf(effect.pool.name)}`
        const address = this.leases.get(key) ?? `10.0.0.${this.#address++ % 250}`
        this.leases.set(key, address)
        return {
          type: 'allocate-answered',
          nic: effect.nic,
          ask: effect.ask,
          reply: { outcome: 'allocated', address },
        }
      }
      case 'release': {
        const key = `${effect.request.macAddress} ${this.#networkOf(effect.pool.name)}`
        // As the pool does: it looks at the truth first.
        const outcome = this.wanted().has(key) ? 'still-wanted' : 'released'
        if (outcome === 'released') this.leases.delete(key)
        return { type: 'release-answered', nic: effect.nic, ask: effect.ask, reply: { outcome } }
      }
      case 'create-config':
        if (this.config !== undefined) return undefined
        return this.#write({
          ...effect.config,
          metadata: { ...effect.config.metadata, uid: `config-${this.#uid++}`, generation: 1 },
        })
      case 'patch-config':
      case 'write-status': {
        const { resourceVersion } = effect.patch.metadata as { resourceVersion?: string }
        if (this.config === undefined || resourceVersion !== this.config.metadata.resourceVersion)
          return undefined
        return this.#write(vmNetworkConfigSchema.parse(applyMergePatch(this.config, effect.patch)))
      }
      case 'collect-config':
        if (this.vm?.metadata.uid === effect.vm.uid || this.config?.metadata.uid !== effect.seen.uid)
          return undefined
        return this.deleteConfig()
      default:
        return undefined
    }
  }

  deleteConfig(): VmMessage | undefined {
    if (this.config === undefined || this.config.metadata.deletionTimestamp !== undefined) return undefined
    const metadata = { ...this.config.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
    return this.#write({ ...this.config, metadata })
  }

  #write(config: VmNetworkConfig): VmMessage {
    const metadata = { ...config.metadata, resourceVersion: String(++this.#version) }
    const isGone = metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0
    this.config = isGone ? undefined : { ...config, metadata }
    return { type: 'written', config: structuredClone(this.config) }
  }

  #networkOf(pool: string): string {
    return [...this.pools].find(([, { name }]) => name === pool)?.[0] ?? ''
  }

  /** What the object in the API asks for now. */
  wanted(): Set<string> {
    if (this.config === undefined || this.config.metadata.deletionTimestamp !== undefined) return new Set()
    if (this.config.spec.paused) return new Set()
    return new Set(
      requestedNetworks(this.config).map(({ macAddress, networkName }) => `${macAddress} ${networkName}`),
    )
  }

  calmDown(): void {
    for (let round = 0; round < 12; round++) {
      this.look()
      for (let step = 0; step < 60 && this.underWay.length > 0; step++) this.comeBack(0, 0)
      this.now = later(this.now, seconds(31))
      this.tell({ type: 'wake' })
    }
  }
}

const number = fc.nat(50)
const fault = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 }) },
)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('comeBack' as const), a: number, b: fault }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('edit' as const), nics: fc.array(number, { maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteVm' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteConfig' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), a: number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), a: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('nudge' as const) }) },
)

type Move = typeof step extends fc.Arbitrary<infer Value> ? Value : never

function play(world: VmWorld, move: Move): void {
  switch (move.do) {
    case 'comeBack':
      return world.comeBack(move.a, move.b)
    case 'look':
      return world.look()
    case 'edit':
      return world.setVm(move.nics)
    case 'deleteVm':
      world.vm = undefined
      return
    case 'deleteConfig':
      world.deleteConfig()
      return
    case 'pause': {
      const { config } = world
      if (config === undefined) return
      const resourceVersion = `${config.metadata.resourceVersion}0`
      world.config = {
        ...config,
        spec: { ...config.spec, paused: move.a % 2 === 0 },
        metadata: { ...config.metadata, resourceVersion },
      }
      return
    }
    case 'pass':
      world.now = later(world.now, seconds(move.a))
      return world.tell({ type: 'wake' })
    case 'restart':
      return world.restart()
    case 'nudge':
      return world.tell({ type: 'nudge', scope: 'all' })
  }
}

test('whatever fails on the way, the VM ends with the addresses that it asks for and a status that says so', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (moves) => {
      const world = new VmWorld()
      for (const move of moves) play(world, move)
      world.calmDown()

      const { config, vm } = world
      if (vm === undefined) expect(config).toBeUndefined()
      const nics = vm?.spec.template.spec.domain?.devices?.interfaces ?? []
      const networks = vm?.spec.template.spec.networks ?? []
      const asked = new Set(
        nics.map(({ macAddress }, index) => `${macAddress} ${networks[index]?.multus?.networkName}`),
      )
      const wanted = world.wanted()
      if (config !== undefined && config.spec.paused !== true) expect(wanted).toEqual(asked)
      for (const key of wanted) expect([...world.leases.keys()]).toContain(key)
      const statuses = config?.status?.networkConfig ?? []
      for (const { macAddress, networkName, allocatedIPAddress, state } of statuses) {
        const address = world.leases.get(`${macAddress} ${networkName}`)
        if (wanted.has(`${macAddress} ${networkName}`))
          expect([state, allocatedIPAddress]).toEqual(['Allocated', address])
      }
      if (wanted.size > 0) expect(statuses.length).toBeGreaterThan(0)
      // What is left over belongs to lives whose end nobody saw; the pool finds it by itself.
      expect(world.state.writing).toBe(false)
      expect(world.underWay).toEqual([])
      expect([...world.state.nics.keys()].sort()).toEqual([...wanted].sort())
    }),
    { numRuns: 500 },
  )
}, 120_000)

import type { AllocateReply, ReleaseReply } from '../../../actors/pool/contracts.ts'
import { decide } from '../../../actors/vm/decide.ts'
import type { Observed, VmEffect, VmMessage } from '../../../actors/vm/messages.ts'
import { initialVmState, type VmState } from '../../../actors/vm/state.ts'
import { type Instant, later, milliseconds, parseInstant } from '../../../src/api/values/time.ts'
import { type VmNetworkConfig, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import { applyMergePatch } from '../../support/merge-patch.ts'
import { configObject, NET_48, vmObject } from '../../support/objects.ts'

type EffectOf<Type extends VmEffect['type']> = Extract<VmEffect, { type: Type }>

export const POOL = { namespace: 'default', name: 'net-48', uid: 'pool-uid' }

export function observed(changes: Partial<Observed> = {}): Observed {
  return {
    vm: vmObject(),
    instance: undefined,
    config: configObject(),
    pools: new Map([[NET_48, POOL]]),
    ...changes,
  }
}

export class VmDriver {
  state: VmState = initialVmState()
  effects: VmEffect[] = []
  now: Instant = parseInstant('2026-01-01T00:00:00Z')

  tell(message: VmMessage): void {
    const { state, effects } = decide(this.state, message, this.now)
    this.state = state
    this.effects.push(...effects)
  }

  observe(changes: Partial<Observed> = {}): void {
    this.tell({ type: 'observed', observed: observed(changes) })
  }

  all<Type extends VmEffect['type']>(type: Type): EffectOf<Type>[] {
    return this.effects.filter((effect): effect is EffectOf<Type> => effect.type === type)
  }

  take<Type extends VmEffect['type']>(type: Type): EffectOf<Type> {
    const index = this.effects.findIndex((effect) => effect.type === type)
    const [effect] = index < 0 ? [] : this.effects.splice(index, 1)
    if (effect === undefined) throw new Error(`no ${type} among ${this.effects.map((each) => each.type)}`)
    return effect as EffectOf<Type>
  }

  answer(reply: AllocateReply): EffectOf<'allocate'> {
    const effect = this.take('allocate')
    this.tell({ type: 'allocate-answered', nic: effect.nic, ask: effect.ask, reply })
    return effect
  }

  grant(address: string): EffectOf<'allocate'> {
    return this.answer({ outcome: 'allocated', address })
  }

  refuse(reason: string, message = reason): EffectOf<'allocate'> {
    return this.answer({ outcome: 'refused', reason, message })
  }

  /** Kubernetes events so far. */
  events(): string[] {
    return this.all('record').map(({ about, reason, message }) => `${about}: ${reason}: ${message}`)
  }

  released(reply: ReleaseReply = { outcome: 'released' }): EffectOf<'release'> {
    const effect = this.take('release')
    this.tell({ type: 'release-answered', nic: effect.nic, ask: effect.ask, reply })
    return effect
  }

  /** Carries out the write that is under way on what was observed. */
  written(): VmNetworkConfig {
    const effect = this.effects.find(({ type }) => type === 'patch-config' || type === 'write-status')
    if (effect?.type !== 'patch-config' && effect?.type !== 'write-status') {
      throw new Error(`nothing is written: ${this.effects.map(({ type }) => type)}`)
    }
    this.effects.splice(this.effects.indexOf(effect), 1)
    const before = this.state.observed?.config
    const resourceVersion = String(Number(before?.metadata.resourceVersion) + 1)
    const merged = applyMergePatch(applyMergePatch(before, effect.patch), { metadata: { resourceVersion } })
    const config = vmNetworkConfigSchema.parse(merged)
    this.tell({ type: 'written', config })
    return config
  }

  pass(count: number): void {
    this.now = later(this.now, milliseconds(count))
    this.tell({ type: 'wake' })
  }
}

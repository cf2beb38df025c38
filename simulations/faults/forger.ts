import type { Owner } from '../../actors/pool/contracts.ts'
import { snapshotOf } from '../../actors/pool/snapshot.ts'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import { IP_POOLS, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { seconds, toInstant } from '../../src/api/values/time.ts'
import { readIfThere } from '../../src/kube/read-if-there.ts'
import { createChance } from '../world/chance.ts'
import { EPOCH } from '../world/machine.ts'
import type { World } from '../world/world.ts'
import { forge, type Scene } from './forgeries.ts'
import { kindOf } from './message-faults.ts'
import type { FaultOf } from './windows.ts'

/** Somebody on the broker who forges messages about a network's IPPool for a while. */
export function letForge(world: World, fault: FaultOf<'forger'>): void {
  const { scheduler, broker, trace, coverage, plan, log, windows, api } = world
  const name = `forger ${fault.network} ${fault.at}`
  const chance = createChance(plan.seed, name)
  const clock = {
    now: () => toInstant(EPOCH + Math.floor(scheduler.now)),
    after: (delay: number, action: () => void) => scheduler.after(delay, scheduler.outside, action),
  }
  const transport = broker.connect({ process: name, clock, log })
  const key = { namespace: 'default', name: fault.network }
  const until = scheduler.now + Math.min(fault.lasts, windows.end - scheduler.now)

  async function look(): Promise<Scene | undefined> {
    const object = await readIfThere(api.store, IP_POOLS, key)
    if (object === undefined) return undefined
    const { items } = await api.store.list(VM_NETWORK_CONFIGS)
    const owners: Owner[] = items.map(({ metadata: { namespace = '', name, uid = '', generation = 1 } }) => ({
      namespace,
      name,
      uid,
      generation,
    }))
    const nobody = { namespace: 'default', name: 'nobody', uid: 'nobody', generation: 1 }
    return { chance, truth: snapshotOf(ipPoolSchema.parse(object)), owner: chance.pick([...owners, nobody]) }
  }

  async function say(): Promise<void> {
    const scene = await look()
    if (scheduler.now >= until) return
    scheduler.after(fault.everyMs, scheduler.outside, () => void say())
    if (scene === undefined) return
    const { text, kind, subject, body, isSpoiled } = forge(scene)
    coverage.hit(isSpoiled ? 'spoiled forgery' : 'forgery', kindOf(subject))
    trace.add({ kind: 'fault', who: name, text: `forges ${text}`, about: [] })
    if (kind === 'event') transport.publish(subject, { body })
    // Whatever the answer is, it is not for somebody who meant it.
    else transport.request(subject, { body }, { timeout: seconds(1) }).catch(() => {})
  }
  scheduler.after(fault.everyMs, scheduler.outside, () => void say())
}

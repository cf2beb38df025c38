import { isConditionTrue } from '../../src/api/condition.ts'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import { networkStatuses, requestedNetworks } from '../../src/api/vm-network-config.ts'
import type { Invariant, Witness } from './invariant.ts'
import { nameOf, type PoolHistory, time } from './pool-history.ts'
import { nicOf } from './told.ts'
import type { Wishes } from './wishes.ts'

/** From hearing to knowing it takes a turn or two of the actor. */
const REACTION = 100

/**
 * `spec.paused` means what it says: the agent of a paused pool answers nobody, and after quiet paused objects say so, and
 * others do not. What an object's status says is about what its spec says.
 */
export function pausedIsPaused(witness: Witness, history: PoolHistory, wishes: Wishes): Invariant {
  /** By agent: what it heard last of its pool. */
  const heard = new Map<string, { uid: string; version: number; paused: boolean; at: number }>()

  return {
    heardOfPool(process, object) {
      const pool = ipPoolSchema.safeParse(object).data
      if (pool === undefined) return
      const { uid = '', resourceVersion } = pool.metadata
      const version = Number(resourceVersion)
      const before = heard.get(process)
      if (before?.uid === uid && before.version >= version) return
      const paused = pool.spec.paused === true
      const since = before?.paused === paused ? before.at : witness.now()
      heard.set(process, { uid, version, paused, at: since })
    },

    replied({ agent, network }) {
      const known = heard.get(agent)
      if (!known?.paused || witness.now() - known.at < REACTION) return
      // That it is not paused any more a message may have told, before a watch that lags behind.
      const pool = [...history.pools()].find(({ metadata }) => metadata.uid === known.uid)
      if (pool?.spec.paused !== true) return
      const message = `${agent} answers on ${network}, although it heard at ${time(known.at)} that the pool is paused`
      witness.violated('who is paused does not serve', message, [agent])
    },

    quiet() {
      for (const pool of history.pools()) {
        const paused = pool.spec.paused === true
        if (isConditionTrue(pool.status?.conditions, 'Stopped') === paused) continue
        const message = `${nameOf(pool)} is ${paused ? '' : 'not '}paused and says the opposite (Stopped)`
        witness.violated('conditions come true', message, [nameOf(pool)])
      }
      for (const [name, config] of wishes.configs()) {
        if (config.metadata.deletionTimestamp !== undefined) continue
        const paused = config.spec.paused === true
        const { conditions } = config.status ?? {}
        if (isConditionTrue(conditions, 'Disabled') !== paused) {
          const message = `${name} is ${paused ? '' : 'not '}paused and says the opposite (Disabled)`
          witness.violated('conditions come true', message, [name])
        }
        const requested = new Set(requestedNetworks(config).map((entry) => nicOf(entry, config)))
        const entries = networkStatuses(config)
        if (isConditionTrue(conditions, 'InSynced') !== true) {
          witness.violated('conditions come true', `${name} is not InSynced`, [name])
        }
        const isAllocated = requested.size > 0 && entries.every(({ state }) => state === 'Allocated')
        if (isConditionTrue(conditions, 'Allocated') !== (isAllocated && !paused)) {
          const states = entries.map(({ state }) => state).join()
          witness.violated(
            'conditions come true',
            `${name} has ${states || 'nothing'} and says the opposite`,
            [name],
          )
        }
        for (const entry of entries) {
          const isLeftOver = !requested.has(nicOf(entry, config))
          if (!isLeftOver && !(paused && entry.state === 'Allocated')) continue
          const message = `the status of ${name} says ${entry.state} for ${nicOf(entry, config)}, which is not asked for`
          witness.violated('the status comes true', message, [name])
        }
      }
    },
  }
}

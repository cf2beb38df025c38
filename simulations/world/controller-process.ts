import { milliseconds, seconds } from '../../src/api/values/time.ts'
import { LEASE_REQUEST_TIMEOUT } from '../../src/kube/election.ts'
import { type ControllerReplica, startControllerReplica } from '../../src/processes/controller/replica.ts'
import { createLocalTransport } from '../../transports/messages/local.ts'
import { localFirst } from '../../transports/messages/local-first.ts'
import { createChance } from './chance.ts'
import type { ProcessParts, SimulatedProcess } from './process.ts'
import { createSimulatedStore } from './simulated-store.ts'

const REQUEST_TIMEOUT = seconds(30)

/** The controller, as `src/processes/controller` composes it, over simulated parts. */
export function createControllerProcess(parts: ProcessParts): SimulatedProcess {
  const { machine, plan, scheduler, broker, messages } = parts
  let replica: ControllerReplica | undefined
  let lives = 0

  return {
    machine,
    start() {
      const { life, clock, monotonicClock } = machine.begin()
      const name = machine.name
      const random = createChance(plan.seed, `${name} ${++lives}`)
      const log = parts.log(life)
      const stores = { life, scheduler, api: parts.api, faults: parts.apiFaults, observer: parts.observer }
      const remote = broker.connect({ process: name, clock, log })
      const transport = plan.localFirst ? localFirst(createLocalTransport({ clock, log }), remote) : remote
      replica = startControllerReplica({
        store: createSimulatedStore({ ...stores, clock, timeout: REQUEST_TIMEOUT }),
        leaseStore: createSimulatedStore({
          ...stores,
          clock: monotonicClock,
          timeout: LEASE_REQUEST_TIMEOUT,
        }),
        transport,
        clock,
        monotonicClock,
        random,
        log,
        host: name,
        namespace: 'harvester-system',
        leaderElection: plan.leaderElection,
        resolve: async () => [],
      })
    },
    kill() {
      machine.kill()
      broker.drop(machine.name)
      const { system } = replica ?? {}
      // Nobody's process any more, but nact keeps a register of systems.
      if (system !== undefined) machine.bury(() => void system.stopAll(milliseconds(0)))
      replica = undefined
    },
    brokerLost: () => broker.lost(machine.name),
    state() {
      if (!machine.life.alive) return 'controller down'
      const role = replica?.isLeading() ? 'leading' : 'standing by'
      const doing = messages.doing(machine.name)
      return `controller ${role}${doing === undefined ? '' : `, ${doing}`}`
    },
    problems: () => (machine.life.alive ? (replica?.ready().reasons ?? []) : []),
  }
}

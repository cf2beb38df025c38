import { type AgentActor, startAgentActor } from '../../actors/agent/actor.ts'
import { type ActorSystem, startActorSystem } from '../../actors/system.ts'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import { milliseconds, seconds } from '../../src/api/values/time.ts'
import { createCautiousClock } from '../../src/runtime/cautious-clock.ts'
import type { SimulatedSegment } from '../../transports/packets/simulated.ts'
import { createChance } from './chance.ts'
import type { ProcessParts, SimulatedProcess } from './process.ts'
import { createSimulatedStateFile, type StateFileObserver } from './simulated-state-file.ts'
import { createSimulatedStore } from './simulated-store.ts'
import type { StateDisk } from './state-disk.ts'

const REQUEST_TIMEOUT = seconds(30)
const SERVER_PORT = 67

export interface AgentProcessParts extends ProcessParts {
  pool: ObjectKey
  segment: SimulatedSegment
  disk: StateDisk
  fileObserver: StateFileObserver
}

/** An agent that can be asked how many addresses it remembers for the sake of leases of the past. */
export interface AgentProcess extends SimulatedProcess {
  remembered(): number
}

/** The agent of one network, as `src/processes/agent` composes it, over simulated parts. */
export function createAgentProcess(parts: AgentProcessParts): AgentProcess {
  const { machine, plan, scheduler, broker, segment } = parts
  const { name } = machine
  let actor: AgentActor | undefined
  let system: ActorSystem | undefined
  let lives = 0

  return {
    machine,
    start() {
      const { life, clock: wall, monotonicClock: monotonic } = machine.begin()
      const clock = createCautiousClock({ wall, monotonic })
      const random = createChance(plan.seed, `${name} ${++lives}`)
      const log = parts.log(life)
      const packets = segment.attach({ name, port: SERVER_PORT, log })
      system = startActorSystem({ name: 'agent', log, clock, random })
      void startAgentActor({
        pool: parts.pool,
        pod: { namespace: 'harvester-system', name, uid: `${name}-uid` },
        system,
        store: createSimulatedStore({
          life,
          clock,
          scheduler,
          api: parts.api,
          faults: parts.apiFaults,
          observer: parts.observer,
          timeout: REQUEST_TIMEOUT,
        }),
        transport: broker.connect({ process: name, clock, log }),
        packets,
        file: createSimulatedStateFile(parts.disk, life, scheduler, parts.fileObserver),
        clock,
        random,
        log,
        onConfiguration: ({ serverAddress }) => packets.setAddress(serverAddress),
      }).then((started) => {
        if (life.alive) actor = started
      })
    },
    kill() {
      machine.kill()
      broker.drop(name)
      segment.drop(name)
      const ending = system
      if (ending !== undefined) machine.bury(() => void ending.stopAll(milliseconds(0)))
      actor = undefined
      system = undefined
    },
    brokerLost: () => broker.lost(name),
    state() {
      if (!machine.life.alive) return 'agent down'
      if (actor === undefined) return 'agent starting'
      const doing = parts.messages.doing(name)
      const role = actor.ready().ok ? 'serving' : 'not serving'
      return `agent ${role}${doing === undefined ? '' : `, ${doing}`}`
    },
    remembered: () => actor?.remembered() ?? 0,
    problems: () => (actor === undefined ? [] : actor.ready().reasons),
  }
}

import type { Logger } from 'pino'
import { IP_POOLS } from '../../src/api/resource.ts'
import { createSimulatedBroker, type SimulatedBroker } from '../../transports/messages/simulated.ts'
import { createSimulatedSegment, type SimulatedSegment } from '../../transports/packets/simulated.ts'
import { type ApiFaults, createApiFaults } from '../faults/api-faults.ts'
import { type Coverage, createCoverage } from '../faults/coverage.ts'
import { createMessageFaults } from '../faults/message-faults.ts'
import { createPacketFate } from '../faults/packet-faults.ts'
import { FaultWindows } from '../faults/windows.ts'
import { Judge } from '../invariants/judge.ts'
import { type Plan, poolOf } from '../plan/plan.ts'
import { createTraceRecorder, type TraceRecorder } from '../trace/recorder.ts'
import { createAgentProcess } from './agent-process.ts'
import { type ApiServer, openApiServer } from './api-server.ts'
import { createChance } from './chance.ts'
import { createControllerProcess } from './controller-process.ts'
import { describeMessage } from './describe-message.ts'
import { Guests } from './guests.ts'
import { KubeVirt } from './kubevirt.ts'
import { type Life, newLife } from './life.ts'
import { LostNodes } from './lost-nodes.ts'
import { Machine } from './machine.ts'
import { MachineObjects } from './machine-objects.ts'
import { Machines } from './machines.ts'
import { NicEdits } from './nic-edits.ts'
import { Operator } from './operator.ts'
import { PacketTap } from './packet-tap.ts'
import type { ProcessParts, SimulatedProcess } from './process.ts'
import { createProcessLog } from './process-log.ts'
import { RequestLog } from './requests-under-way.ts'
import type { Scheduler } from './scheduler.ts'
import { emptyDisk, type StateDisk } from './simulated-state-file.ts'
import type { ApiRequest, StoreObserver } from './simulated-store.ts'
import type { WatchSwitch } from './simulated-watch.ts'

export interface AgentSlot {
  readonly process: SimulatedProcess
  readonly network: string
  readonly disk: StateDisk
}

/** Everything that a simulation is made of. */
export interface World {
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly trace: TraceRecorder
  readonly coverage: Coverage
  readonly windows: FaultWindows
  readonly judge: Judge
  readonly api: ApiServer
  readonly apiFaults: ApiFaults
  readonly processes: ReadonlyMap<string, SimulatedProcess>
  readonly agents: readonly AgentSlot[]
  readonly guests: Guests
  readonly operator: Operator
  readonly lostNodes: LostNodes
  readonly segments: ReadonlyMap<string, SimulatedSegment>
  readonly log: Logger
  /** The watches of a process that are open. */
  watchesOf(process: string): readonly WatchSwitch[]
  /** Called at each write: the process may be killed there. */
  onWrite: (request: Pick<ApiRequest, 'process' | 'what'>, moment: 'before-write' | 'after-write') => void
}

/** @param scheduler drives it, and whose turn it is */
export async function createWorld(plan: Plan, scheduler: Scheduler): Promise<World> {
  const { seed } = plan
  const trace = createTraceRecorder(() => scheduler.now)
  const coverage = createCoverage()
  const windows = new FaultWindows(plan.faults, () => scheduler.now, plan.durationMs)
  const apiFaults = createApiFaults(seed, windows, coverage)
  const judge = new Judge({
    now: () => scheduler.now,
    clients: () => guests.running(),
    found: ({ law, message, about }) =>
      trace.add({ kind: 'violation', who: 'fault', text: `${law}: ${message}`, about }),
  })
  const log = (life: Life) => createProcessLog(life, judge.logged)
  const outsideLog = log(scheduler.outside)
  const api = await openApiServer(scheduler, createChance(seed, 'api server'), outsideLog)
  api.onCommit(judge.committed)

  const processes = new Map<string, SimulatedProcess>()
  const watches = new Map<string, Set<WatchSwitch>>()
  const requests = new RequestLog()
  const observer: StoreObserver = {
    leaving(request) {
      requests.leaving(request)
      if (request.isWrite) world.onWrite(request, 'before-write')
    },
    done(request, outcome) {
      if (!/leases|events/.test(request.what)) {
        const { process: who, what, object } = request
        const text = `${what}${object === undefined ? '' : ` ${object}`}: ${outcome}`
        trace.add({ kind: 'message', who, to: 'api', arrivesAt: scheduler.now, text, about: aboutOf(object) })
      }
      if (request.isWrite && outcome === 'ok') world.onWrite(request, 'after-write')
    },
    heard: (request) => requests.heard(request),
    learned(process, plural, object) {
      if (plural === IP_POOLS.plural) judge.heardOfPool(process, object)
    },
    watching(process, watch) {
      const open = watches.get(process)
      if (open === undefined) watches.set(process, new Set([watch]))
      else open.add(watch)
    },
  }

  const messageFaults = createMessageFaults(seed, windows, coverage)
  const broker: SimulatedBroker = createSimulatedBroker({
    schedule: (process, delay, action) =>
      scheduler.after(delay, processes.get(process)?.machine.life ?? scheduler.outside, action),
    fate: messageFaults.fate,
    isConnected: messageFaults.isConnected,
    observe({ from, to, subject, body, delays }) {
      const { text, about } = describeMessage(subject, body)
      const entry = { kind: 'message', who: from, to, text, about } as const
      if (delays.length === 0) trace.add(entry)
      for (const delay of delays) trace.add({ ...entry, arrivesAt: scheduler.now + delay })
    },
  })

  const tap = new PacketTap({ trace, scheduler, replied: judge.replied, clients: () => guests })
  const segments = new Map<string, SimulatedSegment>()
  for (const { name } of plan.networks) {
    const stateOf = (from: string, to: string) =>
      (guests.find(from) ?? guests.find(to))?.client.state() ?? 'others'
    const fate = createPacketFate(seed, name, windows, coverage, stateOf)
    segments.set(
      name,
      createSimulatedSegment({
        schedule: (receiver, delay, action) =>
          scheduler.after(delay, processes.get(receiver)?.machine.life ?? scheduler.outside, action),
        fate: (from, to) => (guests.isMuted(from) || guests.isMuted(to) ? [] : fate(from, to)),
        observe: (packet) => tap.observe(name, packet),
      }),
    )
  }

  const guests: Guests = new Guests({
    seed,
    scheduler,
    segments,
    log: outsideLog,
    coverage,
    observe(client, event) {
      if (event.type === 'bound' || event.type === 'renewed' || event.type === 'lost') {
        tap.lease(client, event)
      }
      judge.client(client, event)
    },
  })

  const parts = (name: string): ProcessParts => ({
    machine: new Machine(name, scheduler),
    plan,
    scheduler,
    api,
    apiFaults,
    observer,
    broker,
    messages: requests,
    log,
  })
  for (let number = 1; number <= plan.controllers; number++) {
    const name = `controller-${number}`
    processes.set(name, createControllerProcess(parts(name)))
  }
  const agents: AgentSlot[] = []
  for (const network of plan.networks) {
    for (let number = 1; number <= network.agents; number++) {
      const name = `agent-${network.name}-${number}`
      const segment = segments.get(network.name)
      if (segment === undefined) continue
      const disk = emptyDisk()
      const process = createAgentProcess({
        ...parts(name),
        pool: poolOf(network),
        segment,
        disk,
        fileObserver: {
          writing: (moment) => world.onWrite({ process: name, what: 'write state file' }, moment),
        },
      })
      processes.set(name, process)
      agents.push({ process, network: network.name, disk })
    }
  }

  const isApiDown = () => apiFaults.isDown()
  const objects = new MachineObjects({ api, scheduler, isApiDown })
  const lostNodes = new LostNodes({ objects, guests, scheduler })
  const chance = createChance(seed, 'kubevirt')
  const machines = new Machines()
  const kubeVirt = new KubeVirt({ objects, scheduler, guests, chance, lostNodes, machines })
  const nicEdits = new NicEdits({ objects, scheduler, guests, chance, machines })
  const world: World = {
    plan,
    scheduler,
    trace,
    coverage,
    windows,
    judge,
    api,
    apiFaults,
    processes,
    agents,
    guests,
    operator: new Operator({ api, scheduler, kubeVirt, nicEdits, networks: plan.networks, isApiDown }),
    lostNodes,
    segments,
    log: outsideLog,
    watchesOf: (process) => [...(watches.get(process) ?? [])],
    onWrite: () => {},
  }
  return world
}

function aboutOf(object: string | undefined): string[] {
  return object === undefined ? [] : [object]
}

export function outsideLife(): Life {
  return newLife('outside')
}

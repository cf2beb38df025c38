import type { Logger } from 'pino'
import { IP_POOLS } from '../../src/api/resource.ts'
import { milliseconds } from '../../src/api/values/time.ts'
import { createSimulatedBroker, type SimulatedBroker } from '../../transports/messages/simulated.ts'
import { createSimulatedSegment, type SimulatedSegment } from '../../transports/packets/simulated.ts'
import { type ApiFaults, createApiFaults } from '../faults/api-faults.ts'
import { type Coverage, createCoverage } from '../faults/coverage.ts'
import { createMessageFaults, kindOf } from '../faults/message-faults.ts'
import { createPacketFate } from '../faults/packet-faults.ts'
import { FaultWindows } from '../faults/windows.ts'
import { Judge } from '../invariants/judge.ts'
import type { StrikeMoment } from '../plan/faults.ts'
import { type Plan, poolOf } from '../plan/plan.ts'
import { createTraceRecorder, type TraceRecorder } from '../trace/recorder.ts'
import { type AgentProcess, createAgentProcess } from './agent-process.ts'
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
import { RequestLog, ROUTINE } from './requests-under-way.ts'
import type { Scheduler } from './scheduler.ts'
import type { ApiRequest, StoreObserver } from './simulated-store.ts'
import type { WatchSwitch } from './simulated-watch.ts'
import { StateDisk } from './state-disk.ts'

export interface AgentSlot {
  readonly process: AgentProcess
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
  readonly broker: SimulatedBroker
  readonly log: Logger
  /** The watches of a process that are open. */
  watchesOf(process: string): readonly WatchSwitch[]
  /** Called at moments at which a process may be struck. @param what it is doing */
  reached: (process: string, moment: StrikeMoment, what: string) => void
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
    lifeOf: (process) => processes.get(process)?.machine.life,
    found: ({ law, message, about }) =>
      trace.add({ kind: 'violation', who: 'fault', text: `${law}: ${message}`, about }),
  })
  const log = (life: Life) => createProcessLog(life, judge.logged)
  const outsideLog = log(scheduler.outside)
  const api = await openApiServer(scheduler, createChance(seed, 'api server'), outsideLog)
  api.onCommit((change) => {
    trace.stamp(change.next ?? change.previous)
    judge.committed(change)
  })

  const processes = new Map<string, SimulatedProcess>()
  const watches = new Map<string, Set<WatchSwitch>>()
  const requests = new RequestLog()
  const reached = ({ process, what }: ApiRequest, moment: StrikeMoment) => {
    if (!ROUTINE.test(what)) world.reached(process, moment, what)
  }
  const observer: StoreObserver = {
    leaving(request) {
      requests.leaving(request)
      if (request.isWrite) reached(request, 'before-write')
    },
    done(request, outcome) {
      const { process: who, what, object } = request
      if (ROUTINE.test(what)) trace.stamp([who, what, object, outcome])
      else {
        const text = `${what}${object === undefined ? '' : ` ${object}`}: ${outcome}`
        trace.add({ kind: 'message', who, to: 'api', arrivesAt: scheduler.now, text, about: aboutOf(object) })
      }
      if (request.isWrite && outcome === 'ok') reached(request, 'after-write')
    },
    heard: (request) => requests.heard(request),
    answered(request) {
      if (request.isWrite) reached(request, 'after-answer')
    },
    learned(process, plural, object) {
      if (plural === IP_POOLS.plural) judge.heardOfPool(process, object)
    },
    watching(process, watch) {
      const open = watches.get(process)
      if (open === undefined) watches.set(process, new Set([watch]))
      else open.add(watch)
    },
  }

  /** Reports come and go all the time. */
  const sending = (from: string, moment: StrikeMoment, subject: string) => {
    if (!subject.endsWith('.agent-report')) world.reached(from, moment, kindOf(subject))
  }
  const messageFaults = createMessageFaults(seed, windows, coverage)
  const broker: SimulatedBroker = createSimulatedBroker({
    schedule: (process, delay, action) =>
      scheduler.after(delay, processes.get(process)?.machine.life ?? scheduler.outside, action),
    fate(from, to, subject) {
      sending(from, 'before-send', subject)
      const life = processes.get(from)?.machine.life
      if (life?.alive === false) return []
      // What a stopped process was about to say is said when it goes on.
      const wait = life?.paused ? (life.resumesAt ?? scheduler.now) - scheduler.now : 0
      return messageFaults.fate(from, to, subject).map((delay) => milliseconds(delay + wait))
    },
    spoil: messageFaults.spoil,
    isConnected: messageFaults.isConnected,
    observe({ delays, ...leg }) {
      trace.stamp([leg, delays])
      // What somebody forges is not what the product says.
      if (processes.has(leg.from)) judge.messaged(leg)
      const { from, to, subject, body } = leg
      const { text, about } = describeMessage(subject, body)
      const entry = { kind: 'message', who: from, to, text, about } as const
      if (delays.length === 0) trace.add(entry)
      for (const delay of delays) trace.add({ ...entry, arrivesAt: scheduler.now + delay })
      sending(from, 'after-send', subject)
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
        observe(packet) {
          const { from, to, datagram, arrivals } = packet
          trace.stamp([from, to, Buffer.from(datagram.payload).toString('base64'), arrivals])
          tap.observe(name, packet)
        },
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
      const disk = new StateDisk(poolOf(network))
      const process = createAgentProcess({
        ...parts(name),
        pool: poolOf(network),
        segment,
        disk,
        fileObserver: {
          writing: (moment) => world.reached(name, moment, 'write state file'),
          failed: (what, why) => coverage.hit(`state file ${why}`, what),
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
    broker,
    reached: () => {},
  }
  return world
}

function aboutOf(object: string | undefined): string[] {
  return object === undefined ? [] : [object]
}

export function outsideLife(): Life {
  return newLife('outside')
}

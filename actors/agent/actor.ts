import type { Logger } from 'pino'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import type { KubeObject } from '../../src/api/object.ts'
import type { PoolConfiguration } from '../../src/api/pool-configuration.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { formatObjectKey, type ObjectKey } from '../../src/api/values/object-key.ts'
import { between, type Duration, milliseconds, minutes, seconds } from '../../src/api/values/time.ts'
import { NotFoundError } from '../../src/kube/errors.ts'
import { createInformer } from '../../src/kube/informer.ts'
import type { Store } from '../../src/kube/store.ts'
import type { InterfaceProblem } from '../../src/network/interface-state.ts'
import type { Readiness } from '../../src/observe/health.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import type { Random } from '../../src/runtime/random.ts'
import { publishEvent, requestCommand, subscribeEvent } from '../../transports/messages/contract.ts'
import { commandSubject, eventSubject } from '../../transports/messages/subjects.ts'
import type { Transport } from '../../transports/messages/transport.ts'
import type { PacketTransport, ReceivedDatagram } from '../../transports/packets/packet-transport.ts'
import { type AgentReport, type PoolSnapshot, poolCommands, poolEvents } from '../pool/contracts.ts'
import { snapshotOf } from '../pool/snapshot.ts'
import type { ActorSystem, Self } from '../system.ts'
import { type DhcpEvent, dhcpEvent } from './contracts.ts'
import { type AgentDecision, decide, initialAgentState, readinessOf } from './decide.ts'
import { toSnapshot } from './lease-table.ts'
import type { AgentEffect, AgentMessage } from './messages.ts'
import type { AgentState } from './state.ts'
import { outstandingOf } from './outstanding.ts'
import type { StateFile } from './state-file.ts'
import { createStateSaver } from './state-saver.ts'

export interface AgentActorOptions {
  pool: ObjectKey
  /** What `status.agentPodRef` is to say. */
  pod: AgentReport['pod']
  system: ActorSystem
  store: Store
  transport: Transport
  packets: PacketTransport
  file: StateFile
  clock: Clock
  random: Random
  log: Logger
  /** What is wrong with the interface until `interfaceChanged` is called. */
  interfaceProblem?: InterfaceProblem
  /** The configuration that is served from now on: for the interface's address. */
  onConfiguration?: (configuration: PoolConfiguration) => void
  /** Of every DHCP message that came in: for metrics. */
  onEvent?: (network: ObjectKey, event: DhcpEvent) => void
}

export interface AgentActor {
  /** Whether clients are served by the current revision, as far as can be known, and what is to be said about it. */
  ready(): Readiness
  /** What is wrong with the interface; undefined when nothing is. */
  interfaceChanged(problem: InterfaceProblem | undefined): void
  leases(): number
  /** Addresses that are remembered because of a lease that the pool does not know of any more. */
  remembered(): number
  /** Stops answering, and writes the state file if that is still to be done. */
  stop(): Promise<void>
}

const TICK = seconds(1)
/** An informer notices after three minutes that its watch is dead: who hears nothing for longer may be behind. */
const LONGEST_SILENCE = minutes(4)
const REPORT_TIMEOUT = milliseconds(1_000)
/** 43,800 leases, all that fit in an IPPool, take up to 1.5 s on a busy machine. */
const SNAPSHOT_TIMEOUT = milliseconds(5_000)
/** Datagrams that may wait for their turn, each of 64 KiB at most. More are dropped; clients ask again. */
const WAITING_LIMIT = 1_000

/** The shell around `decide`: packets in, packets out, and three ways to learn the truth: watch, deltas, snapshots. */
export async function startAgentActor(options: AgentActorOptions): Promise<AgentActor> {
  const { pool, system, store, transport, packets, clock, random } = options
  const log = options.log.child({ pool: formatObjectKey(pool) })
  let state: AgentState = { ...initialAgentState(clock.now()), interfaceProblem: options.interfaceProblem }
  const saver = createStateSaver({
    file: options.file,
    current: () =>
      state.table === undefined ? undefined : { ...toSnapshot(state.table), ...outstandingOf(state.table) },
    clock,
    log,
  })
  let saved = await options.file.read()
  let waiting: ReceivedDatagram[] = []

  const actor = system.spawnDecider<AgentState, AgentMessage, AgentEffect>({
    name: `agent/${formatObjectKey(pool)}`,
    initial() {
      waiting = []
      const { table } = state
      const fresh = initialAgentState(clock.now())
      // After a crash the table that was served is better than none, and better than the file. What came meanwhile is
      // lost, so the API is read.
      const { interfaceProblem } = state
      const kept = { ...fresh, interfaceProblem }
      return table === undefined ? kept : { ...kept, table, doubtAt: clock.now() }
    },
    started() {
      // Only in the first life: a later one knows better, also that there is nothing to serve any more.
      if (saved === undefined) return { type: 'tick' }
      const { outstanding, ...snapshot } = saved
      saved = undefined
      return { type: 'snapshot', snapshot, source: 'file', outstanding }
    },
    decide(before, message, now): AgentDecision {
      if (message.type === 'datagrams') waiting = []
      const decision = decide(before, message, now)
      const { configuration } = decision.state.table ?? {}
      if (configuration !== undefined && configuration !== state.table?.configuration) {
        options.onConfiguration?.(configuration)
      }
      state = decision.state
      return decision
    },
    run,
  })

  function run(effect: AgentEffect, self: Self<AgentMessage>): void | Promise<void> {
    switch (effect.type) {
      case 'send':
        return packets.send(effect.datagram)
      case 'publish':
        return publish(effect.event)
      case 'save':
        return saver.changed()
      case 'warn':
        return log.warn(effect.message)
      case 'request-snapshot':
        return requestSnapshot(self)
      case 'read-pool':
        return readPool(self)
      case 'report':
        return report({ ...effect.report, pod: options.pod }, self)
    }
  }

  function publish(event: DhcpEvent): void {
    // Nothing is answered, and nothing told, before there is a table.
    const network = state.table?.configuration.network ?? pool
    options.onEvent?.(network, event)
    const isAnswer = event.type !== 'ignored' && event.type !== 'malformed'
    log[isAnswer ? 'info' : 'debug'](event, `DHCP ${event.type}`)
    publishEvent(transport, dhcpEvent, eventSubject('dhcp', network, event.type), event)
  }

  const once = (timeout: Duration) => ({ clock, id: random.uuid(), timeout, attempts: 1 })

  async function requestSnapshot(self: Self<AgentMessage>): Promise<void> {
    const subject = commandSubject('pool', pool, 'snapshot')
    try {
      const reply = await requestCommand(
        transport,
        poolCommands.snapshot,
        subject,
        {},
        once(SNAPSHOT_TIMEOUT),
      )
      if (reply.outcome === 'snapshot') {
        self.tell({ type: 'snapshot', snapshot: reply.snapshot, source: 'pool' })
      } else self.tell({ type: 'snapshot-failed' })
    } catch (error) {
      log.debug({ err: error }, 'no snapshot from the pool actor')
      self.tell({ type: 'snapshot-failed' })
    }
  }

  async function readPool(self: Self<AgentMessage>): Promise<void> {
    try {
      self.tell({
        type: 'snapshot',
        snapshot: toPoolSnapshot(await store.get(IP_POOLS, pool)),
        source: 'read',
      })
    } catch (error) {
      if (error instanceof NotFoundError) self.tell({ type: 'pool-gone' })
      else log.debug({ err: error }, 'the IPPool could not be read; serving what is known')
    }
  }

  async function report(body: AgentReport, self: Self<AgentMessage>): Promise<void> {
    const subject = commandSubject('pool', pool, 'agent-report')
    try {
      await requestCommand(transport, poolCommands.agentReport, subject, body, once(REPORT_TIMEOUT))
    } catch (error) {
      log.debug({ err: error }, 'the pool actor did not take the report')
      self.tell({ type: 'report-failed' })
    }
  }

  /** A watch says it once: what finds no room is told again. */
  let watched: AgentMessage | undefined
  function tellWatched(): void {
    if (watched !== undefined && actor.tell(watched)) watched = undefined
  }
  const informer = createInformer({ store, resource: IP_POOLS, scope: pool, clock, random, log })
  informer.onChange((_key, object) => {
    watched =
      object === undefined
        ? { type: 'pool-gone' }
        : { type: 'snapshot', snapshot: toPoolSnapshot(object), source: 'watch' }
    tellWatched()
  })
  informer.start()

  const deltas = subscribeEvent(
    transport,
    poolEvents.delta,
    eventSubject('pool', pool, 'delta'),
    (delta) => actor.tell({ type: 'delta', delta }),
    { log },
  )
  // One message for all that came in one turn of the event loop. With one for each, an actor that takes one a turn falls
  // behind a socket that gives many, and a flood drowns the clients that it could serve, the watch and the clock with them.
  packets.onDatagram((datagram) => {
    if (waiting.length >= WAITING_LIMIT) return
    waiting.push(datagram)
    if (waiting.length === 1 && !actor.tell({ type: 'datagrams', datagrams: waiting })) waiting = []
  })

  const startedAt = clock.now()
  /** Who cannot learn of a new revision cannot vouch for serving it, and serves on (law 6). */
  function ready(): Readiness {
    const readiness = readinessOf(state, formatObjectKey(pool))
    if (between(informer.lastContact() ?? startedAt, clock.now()) <= LONGEST_SILENCE) return readiness
    const silence = 'no word from the API server: what is served may be out of date'
    return { ok: false, reasons: [...readiness.reasons, silence] }
  }

  let cancelTick: Cancel
  const tick = () => {
    tellWatched()
    actor.tell({ type: 'tick' })
    cancelTick = clock.after(TICK, tick)
  }
  cancelTick = clock.after(TICK, tick)

  return {
    ready,
    interfaceChanged: (problem) => actor.tell({ type: 'interface', problem }),
    leases: () => state.table?.addresses.size ?? 0,
    remembered: () => (state.table?.freed.size ?? 0) + (state.table?.outstanding.size ?? 0),
    async stop() {
      cancelTick()
      informer.stop()
      deltas.unsubscribe()
      actor.stop()
      await saver.flush()
    },
  }
}

/** @throws when it is no IPPool: only another schema than ours lets that be written */
function toPoolSnapshot(object: KubeObject): PoolSnapshot {
  return snapshotOf(ipPoolSchema.parse(object))
}

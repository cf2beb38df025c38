import type { Logger } from 'pino'
import type { IPPool } from '../../src/api/ippool.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { formatObjectKey, type ObjectKey } from '../../src/api/values/object-key.ts'
import { seconds } from '../../src/api/values/time.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import { publishEvent, serveCommand } from '../../transports/messages/contract.ts'
import { MessageTooLargeError } from '../../transports/messages/errors.ts'
import { commandSubject, eventSubject } from '../../transports/messages/subjects.ts'
import type { Transport } from '../../transports/messages/transport.ts'
import type { ActorSystem, Self } from '../system.ts'
import type { AgentDeployment } from './agent-pods.ts'
import {
  type AllocateReply,
  type AllocateRequest,
  type NudgeScope,
  type Owner,
  type PoolEvent,
  poolCommands,
  poolEvents,
  type ReleaseReply,
  type SnapshotReply,
} from './contracts.ts'
import { decide } from './decide.ts'
import { carryOut, type PoolEffectParts } from './effects.ts'
import type { PoolEffect, PoolMessage, ReplyToken } from './messages.ts'
import { type Remains, remainsOf } from './remains.ts'
import { MAXIMUM_PENDING } from './requests.ts'
import { initialPoolState, type PoolState } from './state.ts'

export interface PoolActorOptions extends PoolEffectParts {
  system: ActorSystem
  transport: Transport
  clock: Clock
  log: Logger
  /** Of the pool that served the network before. */
  remains?: Remains | undefined
  /** A Kubernetes event about the pool. */
  record: (pool: IPPool, severity: 'Normal' | 'Warning', reason: string, message: string) => void
  /** What the cluster does about the pool's agent, where agents are pods. */
  agentDeployment?: () => AgentDeployment | undefined
  /** Those on the network, or just these owners, may ask again. */
  nudge: (whom: { network: ObjectKey } | { owners: readonly Owner[] }, scope: NudgeScope) => void
}

export interface PoolActor {
  poolChanged(resourceVersion: string | undefined): void
  networkChanged(): void
  agentChanged(): void
  /** @returns what clients may use still, should the IPPool be gone */
  stop(): Remains | undefined
}

/** The actor's life ended before it could answer: ask again. */
export class PoolUnavailableError extends Error {
  override readonly name = 'PoolUnavailableError'
  constructor(readonly key: ObjectKey) {
    super(`the actor of the IPPool ${formatObjectKey(key)} is starting or overloaded; ask again`)
  }
}

const TICK = seconds(1)
const MAILBOX_LIMIT = 200_000
const MAXIMUM_WAITING = 2 * MAXIMUM_PENDING

/** The shell around `decide`: it serves the pool's commands and carries out the effects. */
export function startPoolActor(options: PoolActorOptions): PoolActor {
  const { key, system, transport, clock } = options
  const log = options.log.child({ pool: formatObjectKey(key) })
  const parts: PoolEffectParts = { ...options, log }
  const waiting = new Map<ReplyToken, { resolve(reply: unknown): void; reject(error: Error): void }>()
  let nextToken = 1
  let pool: IPPool | undefined
  let latest: PoolState | undefined
  let network: ObjectKey | undefined

  const actor = system.spawnDecider<PoolState, PoolMessage, PoolEffect>({
    name: `pool/${formatObjectKey(key)}`,
    mailboxLimit: MAILBOX_LIMIT,
    initial: () => ({
      ...initialPoolState(clock.now(), options.remains),
      deployment: options.agentDeployment?.(),
    }),
    started: () => ({ type: 'tick' }),
    ended: () => {
      for (const { reject } of waiting.values()) reject(new PoolUnavailableError(key))
      waiting.clear()
    },
    decide(state, message, now) {
      const decision = decide(state, message, now)
      pool = asServed(decision.state)
      latest = decision.state
      network = decision.state.network
      return decision
    },
    run,
  })

  /** Leaves a message that carries a token, and waits until an effect answers it. */
  function ask<Reply>(message: (token: ReplyToken) => PoolMessage): Promise<Reply> {
    // More would fill the mailbox, in which the outcomes of what is under way must find room too.
    if (waiting.size >= MAXIMUM_WAITING) return Promise.reject(new PoolUnavailableError(key))
    const token = nextToken++
    return new Promise<Reply>((resolve, reject) => {
      // The token binds the reply to the request's own type: each effect answers the kind of message it came from.
      waiting.set(token, { resolve: resolve as (reply: unknown) => void, reject })
      if (actor.tell(message(token))) return
      waiting.delete(token)
      reject(new PoolUnavailableError(key))
    })
  }

  function answer(token: ReplyToken, body: unknown): void {
    waiting.get(token)?.resolve(body)
    waiting.delete(token)
  }

  function run(effect: PoolEffect, self: Self<PoolMessage>): void | Promise<void> {
    switch (effect.type) {
      case 'reply-allocate':
      case 'reply-release':
      case 'reply-snapshot':
        return answer(effect.token, effect.body)
      case 'reply-report':
        return answer(effect.token, {})
      case 'publish':
        return publish(transport, key, effect.event, log)
      case 'record':
        if (pool !== undefined) options.record(pool, effect.severity, effect.reason, effect.message)
        return
      case 'nudge-network':
      case 'nudge-owners':
        return options.nudge(effect, effect.scope)
      case 'nudge-rivals':
        return options.nudge({ owners: options.demand.rivals(effect.network, effect.macs) }, 'all')
      default:
        return carryOut(effect, pool, parts).then((outcome) => {
          if (outcome !== undefined) self.tell(outcome)
        })
    }
  }

  function whatTheWatchKnows({ macAddress, owner }: AllocateRequest) {
    const mac = parseMacAddress(macAddress)
    const { demand } = options
    return { asked: demand.isAsked(network, mac, owner), contested: demand.isContested(mac) }
  }

  const subject = (verb: string) => commandSubject('pool', key, verb)
  const served = [
    serveCommand(
      transport,
      poolCommands.allocate,
      subject('allocate'),
      (request) =>
        ask<AllocateReply>((token) => ({
          type: 'allocate',
          token,
          request,
          ...whatTheWatchKnows(request),
        })),
      { log },
    ),
    serveCommand(
      transport,
      poolCommands.release,
      subject('release'),
      (request) => ask<ReleaseReply>((token) => ({ type: 'release', token, request })),
      { log },
    ),
    serveCommand(
      transport,
      poolCommands.snapshot,
      subject('snapshot'),
      () => ask<SnapshotReply>((token) => ({ type: 'snapshot', token })),
      { log },
    ),
    serveCommand(
      transport,
      poolCommands.agentReport,
      subject('agent-report'),
      (report) => ask<Record<string, never>>((token) => ({ type: 'agent-report', token, report })),
      { log },
    ),
  ]

  let cancelTick: Cancel
  const tick = () => {
    actor.tell({ type: 'tick' })
    cancelTick = clock.after(TICK, tick)
  }
  cancelTick = clock.after(TICK, tick)

  return {
    poolChanged: (resourceVersion) => actor.tell({ type: 'pool-changed', resourceVersion }),
    networkChanged: () => actor.tell({ type: 'network-changed' }),
    agentChanged: () => actor.tell({ type: 'agent-deployment', deployment: options.agentDeployment?.() }),
    stop() {
      cancelTick()
      for (const subscription of served) subscription.unsubscribe()
      actor.stop()
      return latest === undefined ? options.remains : (remainsOf(latest, clock.now()) ?? latest.remains)
    },
  }
}

/** What is done about the outside is done by the spec that is served. */
function asServed({ pool, servedSpec }: PoolState): IPPool | undefined {
  return pool === undefined || servedSpec === undefined ? pool : { ...pool, spec: servedSpec }
}

/** Events are hints: one that no message holds is told by the watch alone. */
function publish(transport: Transport, key: ObjectKey, event: PoolEvent, log: Logger): void {
  try {
    send(transport, key, event, log)
  } catch (error) {
    if (!(error instanceof MessageTooLargeError)) throw error
    log.warn({ err: error, event: event.type }, 'agents learn this from their watch: no message holds it')
  }
}

function send(transport: Transport, key: ObjectKey, event: PoolEvent, log: Logger): void {
  const subject = eventSubject('pool', key, event.type)
  const level = event.type === 'allocation-refused' ? 'warn' : event.type === 'delta' ? 'debug' : 'info'
  log[level]({ event: event.type, ...event.body }, describe(event))
  switch (event.type) {
    case 'delta':
      return publishEvent(transport, poolEvents.delta, subject, event.body)
    case 'lease-allocated':
      return publishEvent(transport, poolEvents['lease-allocated'], subject, event.body)
    case 'lease-released':
      return publishEvent(transport, poolEvents['lease-released'], subject, event.body)
    case 'allocation-refused':
      return publishEvent(transport, poolEvents['allocation-refused'], subject, event.body)
  }
}

function describe(event: PoolEvent): string {
  switch (event.type) {
    case 'delta':
      return `revision ${event.body.revision} committed`
    case 'lease-allocated':
      return `${event.body.address} allocated to ${event.body.macAddress}`
    case 'lease-released':
      return `${event.body.address} given back by ${event.body.macAddress}`
    case 'allocation-refused':
      return `no address for ${event.body.macAddress}: ${event.body.message}`
  }
}

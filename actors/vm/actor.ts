import type { Logger } from 'pino'
import type { KubeObject } from '../../src/api/object.ts'
import { type Resource, VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { formatObjectKey, type ObjectKey } from '../../src/api/values/object-key.ts'
import { milliseconds } from '../../src/api/values/time.ts'
import { vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import { NotFoundError, retryAfterOf } from '../../src/kube/errors.ts'
import type { Store } from '../../src/kube/store.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { Random } from '../../src/runtime/random.ts'
import { type Command, publishEvent, requestCommand } from '../../transports/messages/contract.ts'
import { commandSubject, eventSubject } from '../../transports/messages/subjects.ts'
import type { Transport } from '../../transports/messages/transport.ts'
import { type NudgeScope, poolCommands } from '../pool/contracts.ts'
import type { ActorSystem, Self } from '../system.ts'
import { type VmEvent, vmEvents } from './contracts.ts'
import { createConfig } from './create-config.ts'
import { decide } from './decide.ts'
import type { Observed, VmEffect, VmMessage } from './messages.ts'
import { initialVmState, type VmState } from './state.ts'

export interface VmActorOptions {
  key: ObjectKey
  system: ActorSystem
  store: Store
  transport: Transport
  clock: Clock
  random: Random
  log: Logger
  /** What the watches know now. */
  observe: () => Observed
  /** A Kubernetes event about an object. */
  record: (
    about: { resource: Resource; object: KubeObject },
    severity: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ) => void
  /** Neither VM nor VirtualMachineNetworkConfig is left. */
  finished: () => void
}

export interface VmActor {
  /** A watch showed a change. */
  changed(): void
  nudge(scope: NudgeScope): void
  stop(): void
}

/** One try; a pool that is busy writing answers within it (DESIGN: a few hundred ms, retried with the same id). */
const REQUEST_TIMEOUT = milliseconds(2_000)
const REQUEST_ATTEMPTS = 3

/** The shell around `decide`: it asks the pools, writes the object and listens to what the watches say. */
export function startVmActor(options: VmActorOptions): VmActor {
  const { key, system, store, transport, clock, random } = options
  const log = options.log.child({ vm: formatObjectKey(key) })
  let observed: Observed | undefined
  let isObservationDue = false

  const actor = system.spawnDecider<VmState, VmMessage, VmEffect>({
    name: `vm/${formatObjectKey(key)}`,
    mailboxLimit: 1_000,
    initial: initialVmState,
    started: () => ({ type: 'observed', observed: options.observe() }),
    decide(state, message, now) {
      const decision = decide(state, message, now)
      observed = decision.state.observed
      return decision
    },
    run,
  })

  /** However many changes came in between, the actor looks once, at the latest. */
  function changed(): void {
    if (isObservationDue) return
    isObservationDue = true
    clock.after(milliseconds(0), () => {
      isObservationDue = false
      actor.tell({ type: 'observed', observed: options.observe() })
    })
  }

  function run(effect: VmEffect, self: Self<VmMessage>): void | Promise<void> {
    switch (effect.type) {
      case 'create-config':
        return write(self, () => createConfig(store, effect.config))
      case 'patch-config':
        return write(self, () => store.patch(VM_NETWORK_CONFIGS, key, { type: 'merge', body: effect.patch }))
      case 'write-status':
        return write(self, () =>
          store.patch(VM_NETWORK_CONFIGS, key, { type: 'merge', body: effect.patch }, 'status'),
        )
      case 'collect-config':
        return write(self, () => collect(effect.seen, effect.vm))
      case 'allocate':
        return ask(effect, self, poolCommands.allocate, 'allocate', effect.request, (reply) => ({
          type: 'allocate-answered',
          nic: effect.nic,
          ask: effect.ask,
          reply,
        }))
      case 'release':
        return ask(effect, self, poolCommands.release, 'release', effect.request, (reply) => ({
          type: 'release-answered',
          nic: effect.nic,
          ask: effect.ask,
          reply,
        }))
      case 'observe':
        return changed()
      case 'wake':
        clock.after(effect.after, () => self.tell({ type: 'wake' }))
        return
      case 'publish':
        return publish(transport, key, effect.event)
      case 'record':
        return record(effect)
      case 'finish':
        return finish()
    }
  }

  /** What a watch shows was told to this actor, or is about to be: who ended now would be the only one to hear of it. */
  function finish(): void {
    const { vm, config } = options.observe()
    if (vm === undefined && config === undefined) options.finished()
  }

  function record({ about, severity, reason, message }: Extract<VmEffect, { type: 'record' }>): void {
    const object = observed?.[about]
    const resource = about === 'vm' ? VIRTUAL_MACHINES : VM_NETWORK_CONFIGS
    if (object !== undefined) options.record({ resource, object }, severity, reason, message)
  }

  async function ask<Request, Reply>(
    effect: Extract<VmEffect, { type: 'allocate' | 'release' }>,
    self: Self<VmMessage>,
    command: Command<Request, Reply>,
    verb: string,
    body: Request,
    answered: (reply: Reply) => VmMessage,
  ): Promise<void> {
    const subject = commandSubject('pool', effect.pool, verb)
    const requestOptions = { clock, id: random.uuid(), timeout: REQUEST_TIMEOUT, attempts: REQUEST_ATTEMPTS }
    try {
      self.tell(answered(await requestCommand(transport, command, subject, body, requestOptions)))
    } catch (error) {
      self.tell({ type: 'request-failed', nic: effect.nic, ask: effect.ask, reason: reasonOf(error) })
    }
  }

  async function write(self: Self<VmMessage>, action: () => Promise<unknown>): Promise<void> {
    try {
      const object = await action()
      const config = object === undefined ? undefined : vmNetworkConfigSchema.parse(object)
      self.tell({ type: 'written', config })
    } catch (error) {
      // The object went in the meantime, with its last finalizer for instance: that is what the watch will say too.
      if (error instanceof NotFoundError) self.tell({ type: 'written', config: undefined })
      else {
        log.debug({ err: error }, 'not written; looking again')
        self.tell({ type: 'write-failed', reason: reasonOf(error), retryAfter: retryAfterOf(error) })
      }
    }
  }

  /** What Kubernetes' garbage collector does, for where there is none: only the API can say that a VM is gone. */
  async function collect(
    seen: { uid: string; resourceVersion: string },
    owner: { name: string; uid: string },
  ): Promise<unknown> {
    const vmKey = { namespace: key.namespace, name: owner.name }
    const vm = await store.get(VIRTUAL_MACHINES, vmKey).catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined
      throw error
    })
    if (vm?.metadata.uid === owner.uid) throw new VmStillThereError(vmKey)
    await store.delete(VM_NETWORK_CONFIGS, key, seen)
    return store.get(VM_NETWORK_CONFIGS, key)
  }

  return { changed, nudge: (scope) => actor.tell({ type: 'nudge', scope }), stop: actor.stop }
}

export class VmStillThereError extends Error {
  override readonly name = 'VmStillThereError'
  constructor(readonly key: ObjectKey) {
    super(`the VirtualMachine ${formatObjectKey(key)} is there; the watch had not shown it yet`)
  }
}

function publish(transport: Transport, key: ObjectKey, event: VmEvent): void {
  const subject = eventSubject('vm', key, event.type)
  switch (event.type) {
    case 'config-written':
      return publishEvent(transport, vmEvents['config-written'], subject, event.body)
    case 'address-assigned':
      return publishEvent(transport, vmEvents['address-assigned'], subject, event.body)
    case 'address-pending':
      return publishEvent(transport, vmEvents['address-pending'], subject, event.body)
    case 'address-returned':
      return publishEvent(transport, vmEvents['address-returned'], subject, event.body)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

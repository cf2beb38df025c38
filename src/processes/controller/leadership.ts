import type { Logger } from 'pino'
import type { ObjectKey } from '../../api/values/object-key.ts'
import type { EventRecorder } from '../../kube/event-recorder.ts'
import { createLeaderElection } from '../../kube/leader-election.ts'
import { LEASES } from '../../kube/lease.ts'
import type { Store } from '../../kube/store.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'

/** Whether this process may act, and how it comes to. */
export interface Leadership {
  isLeading(): boolean
  start(): void
  /** Lets another lead. */
  stop(): Promise<void>
}

export interface LeadershipOptions {
  store: Store
  namespace: string
  /** Of the pod, or of the machine. */
  host: string
  recorder: EventRecorder
  /** Monotonic. */
  clock: Clock
  wallClock: Clock
  random: Random
  log: Logger
  started: () => void
  ended: () => void
}

const LEASE_NAME = 'managed-dhcp-controller'

/** Of the replicas of the controller one leads: who holds the Lease in the system namespace. */
export function electLeader(options: LeadershipOptions): Leadership {
  const { store, namespace, host, recorder, clock, wallClock, random, log } = options
  const lease: ObjectKey = { namespace, name: LEASE_NAME }
  const identity = `${host}_${random.uuid()}`
  const tell = (message: string) =>
    recorder.record(
      { resource: LEASES, ...lease, uid: election.uid() },
      { type: 'Normal', reason: 'LeaderElection', message: `${identity} ${message}` },
    )
  const election = createLeaderElection({
    store,
    lease,
    identity,
    clock,
    wallClock,
    random,
    log,
    started() {
      tell('became leader')
      options.started()
    },
    ended() {
      options.ended()
      tell('stopped leading')
    },
  })
  return {
    isLeading: () => election.isLeading(),
    start: () => election.start(),
    stop: () => election.stop(),
  }
}

/** The only controller there is. */
export function leadAlone(options: Pick<LeadershipOptions, 'started' | 'ended'>): Leadership {
  let isLeading = false
  return {
    isLeading: () => isLeading,
    start() {
      isLeading = true
      options.started()
    },
    async stop() {
      isLeading = false
      options.ended()
    },
  }
}

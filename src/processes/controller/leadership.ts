import type { Logger } from 'pino'
import type { ObjectKey } from '../../api/values/object-key.ts'
import { type Duration, seconds } from '../../api/values/time.ts'
import { createKubeStore } from '../../kube/client.ts'
import type { EventRecorder } from '../../kube/event-recorder.ts'
import { createLeaderElection } from '../../kube/leader-election.ts'
import { LEASES } from '../../kube/lease.ts'
import type { Random } from '../../runtime/random.ts'
import { monotonicClock, systemClock } from '../../runtime/system-clock.ts'

/** Whether this process may act, and how it comes to. */
export interface Leadership {
  isLeading(): boolean
  start(): void
  /** Lets another lead. */
  stop(): Promise<void>
}

export interface LeadershipOptions {
  kubeconfig: string | undefined
  namespace: string
  /** Of the pod, or of the machine. */
  host: string
  recorder: EventRecorder
  random: Random
  log: Logger
  started: () => void
  ended: () => void
}

const LEASE_NAME = 'managed-dhcp-controller'
/** Two requests that hang fit into the renew deadline, and one more. */
const REQUEST_TIMEOUT: Duration = seconds(2)

/**
 * Of the replicas of the controller one leads: who holds the Lease in the system namespace.
 * @throws KubeconfigError
 */
export function electLeader(options: LeadershipOptions): Leadership {
  const { namespace, host, recorder, random, log } = options
  const lease: ObjectKey = { namespace, name: LEASE_NAME }
  const identity = `${host}_${random.uuid()}`
  // Its own connections and its own rate: renewals never wait behind ten thousand status writes.
  const store = createKubeStore({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    log,
    clock: systemClock,
    requestTimeout: REQUEST_TIMEOUT,
    rateLimit: { requestsPerSecond: 10, burst: 20 },
  })
  const tell = (message: string) =>
    recorder.record(
      { resource: LEASES, ...lease, uid: election.uid() },
      { type: 'Normal', reason: 'LeaderElection', message: `${identity} ${message}` },
    )
  const election = createLeaderElection({
    store,
    lease,
    identity,
    clock: monotonicClock,
    wallClock: systemClock,
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
    async stop() {
      await election.stop()
      store.close()
    },
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

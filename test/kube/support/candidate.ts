import type { Duration } from '../../../src/api/values/time.ts'
import { createLeaderElection, type LeaderElection } from '../../../src/kube/leader-election.ts'
import type { Clock } from '../../../src/runtime/clock.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import type { LeaseServer } from './lease-server.ts'
import { ProcessClock } from './process-clock.ts'

export interface Candidate extends LeaderElection {
  readonly clock: ProcessClock
  /** "started", or "ended: " and why. */
  readonly heard: string[]
  readonly log: ReturnType<typeof recordingLog>['lines']
}

/** One process that wants to lead. */
export function createCandidate(
  server: LeaseServer,
  real: Clock,
  identity: string,
  odds: { ahead?: Duration; rate?: number; seed?: number } = {},
): Candidate {
  const clock = new ProcessClock(real, odds)
  const { log, lines } = recordingLog()
  const heard: string[] = []
  const election = createLeaderElection({
    store: server.storeFor(clock),
    lease: { namespace: 'harvester-system', name: 'managed-dhcp-controller' },
    identity,
    clock,
    wallClock: clock,
    random: seededRandom(odds.seed ?? identity.length),
    log,
    started: () => heard.push('started'),
    ended: (reason) => heard.push(`ended: ${reason}`),
  })
  return Object.assign(election, { clock, heard, log: lines })
}

import type { LeaseDelta, PoolSnapshot } from '../../../actors/pool/contracts.ts'
import { poolObject } from '../../support/objects.ts'

export const MAC = 'ca:70:82:e6:84:6e'
export const OTHER_MAC = '02:00:00:00:00:01'

export function snapshot(changes: Partial<PoolSnapshot> = {}): PoolSnapshot {
  return {
    uid: 'pool-uid',
    revision: 5,
    generation: 1,
    namespace: 'default',
    name: 'net-48',
    spec: poolObject().spec,
    ntpServers: [],
    leases: { '192.168.48.84': MAC },
    ...changes,
  }
}

export function delta(changes: Partial<LeaseDelta> = {}): LeaseDelta {
  return {
    uid: 'pool-uid',
    previousRevision: 5,
    revision: 6,
    generation: 1,
    leases: { '192.168.48.85': OTHER_MAC },
    ...changes,
  }
}

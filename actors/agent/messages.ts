import type { InterfaceProblem } from '../../src/network/interface-state.ts'
import type { OutgoingDatagram, ReceivedDatagram } from '../../transports/packets/packet-transport.ts'
import type { AgentReport, LeaseDelta, PoolSnapshot } from '../pool/contracts.ts'
import type { DhcpEvent } from './contracts.ts'
import type { Outstanding } from './outstanding.ts'

/** Where a snapshot comes from: the state file of an earlier life, a watch or a pool actor, or a fresh read of the API. */
export type SnapshotSource = 'file' | 'watch' | 'pool' | 'read'

export type AgentMessage =
  /** All that came since the last of these. */
  | { type: 'datagrams'; datagrams: readonly ReceivedDatagram[] }
  /** `outstanding`: as the state file tells. */
  | {
      type: 'snapshot'
      snapshot: PoolSnapshot
      source: SnapshotSource
      outstanding?: Outstanding | undefined
    }
  | { type: 'delta'; delta: LeaseDelta }
  /** The pool actor could not be asked, or the API could not be read. */
  | { type: 'snapshot-failed' }
  /** The interface is not as it should be, or is again. */
  | { type: 'interface'; problem: InterfaceProblem | undefined }
  /** The pool actor did not take the last report. */
  | { type: 'report-failed' }
  /** The API says that the IPPool does not exist. */
  | { type: 'pool-gone' }
  | { type: 'tick' }

export type AgentEffect =
  | { type: 'send'; datagram: OutgoingDatagram }
  /** Ask the pool actor. */
  | { type: 'request-snapshot' }
  /** Read the IPPool from the API. */
  | { type: 'read-pool' }
  /** The table changed: write the state file, soon. */
  | { type: 'save' }
  | { type: 'report'; report: Omit<AgentReport, 'pod'> }
  | { type: 'publish'; event: DhcpEvent }
  | { type: 'warn'; message: string }

import { type PoolSnapshot, poolSnapshotSchema } from '../../actors/pool/contracts.ts'
import type { Hearsay } from './hearsay.ts'
import type { Tenure } from './pool-history.ts'

export interface AgentUptime {
  readonly name: string
  readonly network: string
  /** Since when without a break, pauses counting as breaks; undefined: it is down. */
  upSince(): number | undefined
  /** What its state file says; undefined when there is none, or when it is not what was read. */
  stateFile(): string | undefined
}

export function isUp(since: number | undefined, at: number): boolean {
  return since !== undefined && since <= at
}

/** The agent serves this lease: it heard of it from the API, or of nothing and has it in its state file. */
export function serves(agent: AgentUptime, tenure: Tenure, hearsay: Hearsay): boolean {
  const heard = hearsay.known(agent.name, tenure.pool)
  if (heard === undefined) return isInFile(agent, tenure)
  if (heard.uid !== tenure.uid || heard.pool.spec.paused) return false
  const addresses = [...heard.leases].filter(([, mac]) => mac === tenure.mac).map(([address]) => address)
  return heard.version >= tenure.from.version && addresses.length === 1 && addresses[0] === tenure.address
}

export function isInFile(agent: AgentUptime, { uid, address, mac }: Tenure): boolean {
  const text = agent.stateFile()
  const snapshot = text === undefined ? undefined : readSnapshot(text)
  return snapshot?.uid === uid && snapshot.leases[address] === mac && snapshot.spec.paused !== true
}

function readSnapshot(text: string): PoolSnapshot | undefined {
  try {
    return poolSnapshotSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

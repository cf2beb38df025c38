import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import type { AllocateOutcome, ClientEvent, ClientEventType, PoolOperation } from './events.ts'

export const macOf = (number: number) =>
  parseMacAddress(`02:00:00:00:00:${number.toString(16).padStart(2, '0')}`)
export const addressOf = (number: number) => parseIPv4Address(`10.0.0.${number}`)

/** Times in seconds. Machine 1 is the client "vm-1". */
export function heard(
  type: ClientEventType,
  machine: number,
  address: number,
  at: number,
  leaseSeconds?: number,
): ClientEvent {
  return {
    type,
    client: `vm-${machine}`,
    mac: macOf(machine),
    address: addressOf(address),
    at: at * 1000,
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
  }
}

type Answer = number | 'refused' | 'unknown'

export function allocated(machine: number, answer: Answer, from: number, to: number): PoolOperation {
  const outcome: AllocateOutcome =
    typeof answer === 'number' ? { type: 'address', address: addressOf(answer) } : { type: answer }
  return { type: 'allocate', mac: macOf(machine), outcome, invokedAt: from, respondedAt: to }
}

export function released(
  machine: number,
  from: number,
  to: number,
  type: 'released' | 'unknown' = 'released',
): PoolOperation {
  return { type: 'release', mac: macOf(machine), outcome: { type }, invokedAt: from, respondedAt: to }
}

import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { type ClientEvent, describeTime } from './events.ts'

/** A client that had to give up an address that it was acknowledged, though its machine went on. */
export interface Loss extends ClientEvent {
  readonly type: 'nak' | 'expired'
}

/**
 * Between its first ACK and its end a machine hears nothing but ACKs: also when it gets the same address back, it was
 * without one for a while.
 */
export function findLosses(events: readonly ClientEvent[]): Loss[] {
  return events.flatMap((event) => {
    const { type } = event
    return type === 'nak' || type === 'expired' ? [{ ...event, type }] : []
  })
}

export function tellLoss({ client, mac, address, type, at }: Loss): string {
  const how = type === 'nak' ? 'was told not to use' : 'was left without an answer and gave up'
  return `${mac} (${client}) ${how} ${formatIPv4Address(address)} at ${describeTime(at)}`
}

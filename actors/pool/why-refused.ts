import {
  AddressExcludedError,
  AddressOutOfRangeError,
  AddressTakenError,
  PoolExhaustedError,
} from '../../src/ipam/errors.ts'
import type { Refusal } from './refusals.ts'
import type { PoolState } from './state.ts'

export function invalidPool(problems: string): Refusal {
  return { reason: 'InvalidPool', message: `the IPPool's spec is invalid: ${problems}` }
}

/** Another pool serves the network, or may: it cannot be labelled. */
const UNREGISTRABLE = new Set(['NetworkInUse', 'InvalidName'])

/** Why this pool gives no new leases now, if it does not. */
export function whyClosed(state: PoolState): Refusal | undefined {
  const { pool, invalid } = state
  if (pool?.metadata.deletionTimestamp !== undefined) {
    return {
      reason: 'PoolDeleting',
      message: 'the IPPool is being deleted; use another pool for this network',
    }
  }
  if (pool?.spec.paused) {
    return {
      reason: 'PoolPaused',
      message: 'the IPPool is paused; set spec.paused to false to allocate again',
    }
  }
  if (invalid !== undefined) return invalidPool(invalid)
  const registered = pool?.status?.conditions?.find(({ type }) => type === 'Registered')
  const registration = state.registration ?? registered
  const { reason = '', message = 'another IPPool serves the network, or may serve it' } = registration ?? {}
  if (UNREGISTRABLE.has(reason)) return { reason, message }
  return undefined
}

/** @throws what is no refusal */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof PoolExhaustedError) return { reason: 'PoolExhausted', message: error.message }
  if (error instanceof AddressOutOfRangeError) return { reason: 'AddressOutOfRange', message: error.message }
  if (error instanceof AddressExcludedError) return { reason: 'AddressExcluded', message: error.message }
  if (error instanceof AddressTakenError) return { reason: 'AddressTaken', message: error.message }
  throw error
}

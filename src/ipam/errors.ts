import { formatIPv4Address, type IPv4Address } from '../api/values/ipv4-address.ts'
import type { MacAddress } from '../api/values/mac-address.ts'
import type { AddressRange } from './allocator.ts'

/** Nothing is free. */
export class PoolExhaustedError extends Error {
  override readonly name = 'PoolExhaustedError'
  constructor(readonly counts: { capacity: number; held: number; excluded: number; resting: number }) {
    super(
      `no free address: ${counts.held} of ${counts.capacity} held, ${counts.resting} resting, ${counts.excluded} excluded; ` +
        'enlarge spec.ipv4Config.pool, exclude fewer addresses or remove VMs that are no longer needed',
    )
  }
}

export class InvalidRangeError extends Error {
  override readonly name = 'InvalidRangeError'
  constructor(readonly range: AddressRange) {
    super(
      `the pool's start ${formatIPv4Address(range.start)} is above its end ${formatIPv4Address(range.end)}`,
    )
  }
}

export class AddressOutOfRangeError extends Error {
  override readonly name = 'AddressOutOfRangeError'
  constructor(
    readonly address: IPv4Address,
    readonly range: AddressRange,
  ) {
    super(
      `${formatIPv4Address(address)} is outside the pool's range ` +
        `${formatIPv4Address(range.start)} to ${formatIPv4Address(range.end)}; ask for one inside, or for none`,
    )
  }
}

export class AddressExcludedError extends Error {
  override readonly name = 'AddressExcludedError'
  constructor(readonly address: IPv4Address) {
    super(
      `${formatIPv4Address(address)} is excluded from the pool or reserved for the server or the router; ` +
        'ask for another, or for none',
    )
  }
}

/** Another MAC holds the address, or it rests for one. */
export class AddressTakenError extends Error {
  override readonly name = 'AddressTakenError'
  constructor(
    readonly address: IPv4Address,
    readonly mac: MacAddress,
    readonly state: 'held' | 'resting',
  ) {
    super(
      state === 'held'
        ? `${formatIPv4Address(address)} is held by ${mac}; ask for another, or for none`
        : `${formatIPv4Address(address)} rests for ${mac} until its last lease has run out`,
    )
  }
}

export class MacHoldsAnotherAddressError extends Error {
  override readonly name = 'MacHoldsAnotherAddressError'
  constructor(
    readonly mac: MacAddress,
    readonly address: IPv4Address,
  ) {
    super(`${mac} holds ${formatIPv4Address(address)} already; release that first`)
  }
}

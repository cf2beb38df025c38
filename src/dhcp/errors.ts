/** Bytes that are no DHCP message. `offset` counts from the first byte of the UDP payload. */
export class MalformedPacketError extends Error {
  override readonly name = 'MalformedPacketError'
  constructor(
    readonly offset: number,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`malformed DHCP packet at byte ${offset}: ${reason}`, options)
  }
}

/** A value that its option cannot carry, or bytes that are no value of their option. */
export class InvalidOptionError extends Error {
  override readonly name = 'InvalidOptionError'
  constructor(
    readonly option: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`DHCP option ${option}: ${reason}`, options)
  }
}

/** Bytes that are no list of domain names. `offset` counts within the option's value. */
export class MalformedDomainListError extends Error {
  override readonly name = 'MalformedDomainListError'
  constructor(
    readonly offset: number,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${reason} (byte ${offset} of the value)`, options)
  }
}

/** The process may not open raw sockets. */
export class PacketPermissionError extends Error {
  override readonly name = 'PacketPermissionError'
  constructor(
    readonly interfaceName: string,
    options?: ErrorOptions,
  ) {
    super(
      `no right to open a raw socket on ${interfaceName} (CAP_NET_RAW): run as root, or grant the capability ` +
        `(container: securityContext.capabilities.add [NET_RAW, NET_BIND_SERVICE]; ` +
        `file: setcap cap_net_raw,cap_net_bind_service+ep "$(readlink -f "$(command -v node)")"), ` +
        `or try it in namespaces of your own: unshare -Urn`,
      options,
    )
  }
}

export class InterfaceNotFoundError extends Error {
  override readonly name = 'InterfaceNotFoundError'
  constructor(
    readonly interfaceName: string,
    readonly present: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      `there is no network interface "${interfaceName}"; there are: ${present.join(', ') || 'none'}`,
      options,
    )
  }
}

/** The native part of raw-socket is not built for this Node.js. */
export class RawSocketUnavailableError extends Error {
  override readonly name = 'RawSocketUnavailableError'
  constructor(options?: ErrorOptions) {
    super(
      'raw-socket cannot be loaded: build its native part with "npm rebuild raw-socket" ' +
        '(needs make, a C++ compiler and python3)',
      options,
    )
  }
}

/** The kernel refused the socket for another reason than rights or a missing interface. */
export class PacketSocketError extends Error {
  override readonly name = 'PacketSocketError'
  constructor(
    readonly interfaceName: string,
    options?: ErrorOptions,
  ) {
    const reason = options?.cause instanceof Error ? options.cause.message : 'unknown reason'
    super(`cannot open a raw socket on ${interfaceName}: ${reason}`, options)
  }
}

/** More than an IPv4 packet can hold (65,507 bytes of payload). */
export class DatagramTooLargeError extends Error {
  override readonly name = 'DatagramTooLargeError'
  constructor(readonly payloadLength: number) {
    super(`a payload of ${payloadLength} bytes does not fit in an IPv4 packet`)
  }
}

/** Nobody serves the subject now. */
export class NoResponderError extends Error {
  override readonly name = 'NoResponderError'
  constructor(readonly subject: string) {
    super(`nobody answers ${subject}`)
  }
}

export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError'
  constructor(
    readonly subject: string,
    readonly timeoutMilliseconds: number,
  ) {
    super(`no reply to ${subject} within ${timeoutMilliseconds} ms`)
  }
}

/** The responder's handler failed; its reason is the message. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  constructor(
    readonly subject: string,
    readonly reason: string,
  ) {
    super(`${subject}: ${reason}`)
  }
}

export class TransportClosedError extends Error {
  override readonly name = 'TransportClosedError'
  constructor() {
    super('the message transport is closed')
  }
}

/** There is no connection to the broker now; for a request that was under way, its effect is unknown. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError'
  constructor(readonly subject: string) {
    super(`no connection to the message broker for ${subject}`)
  }
}

/** Brokers refuse messages above a size (1 MiB by default in NATS), and no process takes more than 4 MiB. */
export class MessageTooLargeError extends Error {
  override readonly name = 'MessageTooLargeError'
  /** @param advice what to do about it */
  constructor(
    readonly subject: string,
    readonly bytes: number,
    readonly limit: number,
    advice: string,
  ) {
    super(
      `the message to ${subject} has ${bytes} bytes and headers, one message may have ${limit} with both: ${advice}`,
    )
  }
}

/** The body has no JSON form, or what arrived is not what was agreed. */
export class InvalidMessageError extends Error {
  override readonly name = 'InvalidMessageError'
  constructor(
    readonly subject: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`message on ${subject}: ${reason}`, options)
  }
}

/** The broker's permissions do not let this process do that. */
export class NotPermittedError extends Error {
  override readonly name = 'NotPermittedError'
  constructor(
    readonly subject: string,
    options?: ErrorOptions,
  ) {
    super(`the message broker does not let this process use ${subject}`, options)
  }
}

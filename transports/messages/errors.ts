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

/** What went through a transport since it was made, for metrics. */
export interface TransportStats {
  published: number
  delivered: number
  requested: number
  served: number
  /** Not sent for want of a connection. */
  droppedUnsent: number
  /** Not handed over because its receiver had too many waiting. */
  droppedOverflow: number
  /** Arrived, but could not be read. */
  droppedInvalid: number
  /** Handlers that threw. */
  handlerFailures: number
}

export function emptyStats(): TransportStats {
  return {
    published: 0,
    delivered: 0,
    requested: 0,
    served: 0,
    droppedUnsent: 0,
    droppedOverflow: 0,
    droppedInvalid: 0,
    handlerFailures: 0,
  }
}

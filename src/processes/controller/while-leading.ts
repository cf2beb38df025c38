import { DisconnectedError } from '../../../transports/messages/errors.ts'
import type { Transport } from '../../../transports/messages/transport.ts'

/**
 * A transport for what only the leader says and answers. A process that was paused while another took over finds out
 * here: what had been waiting for it is left to the other, without an answer that could be out of date.
 */
export function transportWhileLeading(transport: Transport, isLeading: () => boolean): Transport {
  return {
    publish(subject, message) {
      if (isLeading()) transport.publish(subject, message)
    },
    subscribe: (pattern, handler) => transport.subscribe(pattern, handler),
    request(subject, message, options) {
      if (!isLeading()) return Promise.reject(new DisconnectedError(subject))
      return transport.request(subject, message, options)
    },
    serve: (pattern, handler, options) =>
      transport.serve(pattern, handler, {
        ...options,
        accepts: () => isLeading() && options?.accepts?.() !== false,
      }),
    connected: () => transport.connected(),
    close: () => transport.close(),
  }
}

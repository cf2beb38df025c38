import { NoResponderError } from './errors.ts'
import type { Transport } from './transport.ts'

/**
 * A process that asks itself needs no broker: requests for what `local` serves are answered there, all others go out.
 * What is served here is served to everybody; events go out only. So allocation goes on while the broker is away.
 */
export function localFirst(local: Transport, remote: Transport): Transport {
  return {
    publish: (subject, message) => remote.publish(subject, message),
    subscribe: (pattern, handler) => remote.subscribe(pattern, handler),
    async request(subject, message, options) {
      try {
        return await local.request(subject, message, options)
      } catch (error) {
        if (!(error instanceof NoResponderError)) throw error
        return remote.request(subject, message, options)
      }
    },
    serve(pattern, handler, options) {
      const served = [local, remote].map((transport) => transport.serve(pattern, handler, options))
      return {
        unsubscribe() {
          for (const subscription of served) subscription.unsubscribe()
        },
      }
    },
    connected: () => remote.connected(),
    async close() {
      await Promise.all([local.close(), remote.close()])
    },
  }
}

import type { ServerResponse } from 'node:http'
import { seconds } from '../../api/values/time.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { RunningWatch } from '../watch/watch-hub.ts'
import type { ServedEvent, WatchSink } from '../watch/watch-sink.ts'

/** Long enough for an orderly end; then a client that does not read is cut off. */
const LINGER = seconds(5)

/**
 * Sends a watch as lines of JSON. What the client does not read is not fetched: the watch waits for the
 * socket to drain, and history does not wait for the watch.
 */
export function streamWatch(
  response: ServerResponse,
  clock: Clock,
  encode: (event: ServedEvent) => unknown,
  start: (sink: WatchSink) => RunningWatch,
): void {
  const write = (event: unknown) => response.write(`${JSON.stringify(event)}\n`)
  const watch = start({
    send: (event) => write(encode(event)),
    end(error) {
      if (response.destroyed) return
      if (error) write({ type: 'ERROR', object: error.status })
      response.end()
      const cutOff = clock.after(LINGER, () => response.destroy())
      response.once('close', cutOff)
    },
  })
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  response.on('drain', () => watch.resume())
  response.on('error', () => watch.stop())
  response.on('close', () => watch.stop())
}

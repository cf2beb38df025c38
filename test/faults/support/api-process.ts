import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server } from 'node:net'
import { pino } from 'pino'
import { openEmbeddedApi } from '../../../src/embedded/embedded-api.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'

/**
 * The Kubernetes API alone, so that it can be taken away: `node api-process.mjs DATA_DIRECTORY PORT`. It listens in its
 * network namespace for the product, and on a socket sent by the parent, whom no cut cable keeps from looking.
 */
const [, , dataDirectory = '', port = ''] = process.argv
const handle = await new Promise<Server>((resolve) =>
  process.once('message', (_message, socket) => {
    if (socket instanceof Server) resolve(socket)
  }),
)
const api = await openEmbeddedApi({
  dataDirectory,
  clock: systemClock,
  random: systemRandom,
  log: pino({ level: 'warn' }),
})
await api.http.app.ready()
const handler = (request: IncomingMessage, response: ServerResponse) => {
  // Without a token only loopback names are let in, and a token goes over TLS only. Nobody else is on this network.
  request.headers.host = 'localhost'
  api.http.app.routing(request, response)
}
createServer(handler).listen(handle)
createServer(handler).listen(Number(port), '0.0.0.0', () => process.send?.('serving'))

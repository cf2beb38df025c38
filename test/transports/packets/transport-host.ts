import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pino } from 'pino'
import { toIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { openRawSocketTransport } from '../../../transports/packets/raw-socket.ts'
import type { FromHost, ToHost } from './host-messages.ts'

/** A process inside a namespace that lends its raw socket to the test which started it. */
async function main(): Promise<void> {
  const [interfaceName = '', port = '', sinkAddress] = process.argv.slice(2)
  const say = (message: FromHost) => process.send?.(message)
  const log = pino({ level: 'debug' }, { write: (line: string) => void say({ type: 'log', line }) })
  process.once('disconnect', () => process.exit())
  const transport = await openRawSocketTransport({
    interfaceName,
    port: Number(port),
    ...(sinkAddress !== undefined && { sinkAddress: toIPv4Address(Number(sinkAddress)) }),
    clock: systemClock,
    log,
  })
  let received = 0
  let throwOnce = false
  let quiet = false
  transport.onDatagram((datagram) => {
    received++
    if (throwOnce) {
      throwOnce = false
      throw new Error('the listener failed')
    }
    if (!quiet) say({ type: 'datagram', datagram })
  })
  process.on('message', (message: ToHost) => {
    switch (message.type) {
      case 'send':
        for (let i = 0; i < (message.times ?? 1); i++) transport.send(message.datagram)
        break
      case 'counters':
        say({ type: 'counters', received, counters: transport.counters })
        break
      case 'throw-once':
        throwOnce = true
        break
      case 'quiet':
        quiet = true
        break
      case 'collect-garbage':
        collectGarbage()
        say({ type: 'garbage-collected' })
        break
      case 'block':
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.milliseconds)
        break
      case 'close':
        transport.close().then(() => say({ type: 'closed' }))
    }
  })
  say({ type: 'open' })
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  for (let i = 0; i < 20 && typeof collect === 'function'; i++) collect()
}

main().catch((error: Error) => {
  process.send?.({ type: 'failed', name: error.name, message: error.message } satisfies FromHost, () =>
    process.exit(1),
  )
})

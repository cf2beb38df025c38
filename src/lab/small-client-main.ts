import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { openRawSocketTransport } from '../../transports/packets/raw-socket.ts'
import type { IPv4Address } from '../api/values/ipv4-address.ts'
import { parseMacAddress } from '../api/values/mac-address.ts'
import { seconds } from '../api/values/time.ts'
import { CLIENT_PORT } from '../dhcp/packet.ts'
import { ensureAddress } from '../network/interface-address.ts'
import { systemRandom } from '../runtime/random.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { formatLease } from './lease-json.ts'
import { acquireLease } from './small-client.ts'

/**
 * The project's own DHCP client as a program, for machines without another:
 * `node small-client-main.js INTERFACE [TIMEOUT-SECONDS]` gets a lease, puts the address on the interface
 * and prints the lease as one line of JSON. On failure it prints one line on stderr and ends with 1.
 */
async function main(): Promise<void> {
  const [interfaceName = 'eth0', timeout = '30'] = process.argv.slice(2)
  const transport = await openRawSocketTransport({
    interfaceName,
    port: CLIENT_PORT,
    clock: systemClock,
    log: pino({ level: 'error' }, pino.destination(2)),
  })
  try {
    const mac = parseMacAddress(readFileSync(`/sys/class/net/${interfaceName}/address`, 'utf8').trim())
    const lease = await acquireLease({
      transport,
      mac,
      clock: systemClock,
      random: systemRandom,
      timeout: seconds(Number(timeout)),
    })
    await ensureAddress(interfaceName, lease.address, prefixLengthOf(lease.subnetMask))
    process.stdout.write(`${formatLease(lease)}\n`)
  } finally {
    await transport.close()
  }
}

function prefixLengthOf(mask: IPv4Address | undefined): number {
  return mask === undefined ? 32 : 32 - Math.log2(2 ** 32 - mask)
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})

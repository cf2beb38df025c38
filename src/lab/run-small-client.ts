import { fileURLToPath } from 'node:url'
import type { ClientLease } from './clients/lease.ts'
import { parseLease } from './lease-json.ts'
import type { NetworkNamespace } from './namespace.ts'

/**
 * Runs the project's own client in a namespace, for machines where neither udhcpc nor dhclient is installed.
 * @param program the compiled small-client-main.js
 * @throws CommandFailedError with what the client said
 */
export async function runSmallClient(
  namespace: NetworkNamespace,
  interfaceName: string,
  program = fileURLToPath(new URL('./small-client-main.js', import.meta.url)),
): Promise<ClientLease> {
  const { stdout } = await namespace.exec(process.execPath, [program, interfaceName])
  return parseLease(stdout)
}

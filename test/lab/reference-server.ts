import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAB_FOLDER, type NetworkNamespace } from '../../src/lab/namespace.ts'

/** BusyBox's udhcpd with the options of the documentation's pool: a server that is not ours, to test clients with. */
export async function startReferenceServer(
  namespace: NetworkNamespace,
  options: { leaseSeconds?: number } = {},
): Promise<void> {
  const configuration = `
start 192.168.48.81
end 192.168.48.90
interface eth0
lease_file ${LAB_FOLDER}/udhcpd.leases
pidfile ${LAB_FOLDER}/udhcpd.pid
min_lease 5
opt subnet 255.255.255.0
opt router 192.168.48.1
opt dns 1.1.1.1 8.8.8.8
opt domain aibao.moe
opt search moe aibao.moe
opt ntpsrv 162.159.200.1
opt lease ${options.leaseSeconds ?? 300}
`
  await writeFile(namespace.path(join(LAB_FOLDER, 'udhcpd.conf')), configuration)
  await writeFile(namespace.path(join(LAB_FOLDER, 'udhcpd.leases')), '')
  await namespace.exec('ip', ['address', 'add', '192.168.48.77/24', 'dev', 'eth0'])
  const server = namespace.spawnPiped('busybox', ['udhcpd', '-f', join(LAB_FOLDER, 'udhcpd.conf')])
  const [line] = await Promise.race([
    once(server.stderr, 'data'),
    once(server, 'exit').then(() => ['ended at once']),
  ])
  if (!/started/.test(String(line))) {
    throw new Error(`busybox udhcpd does not start (apt-get install busybox): ${String(line)}`)
  }
}

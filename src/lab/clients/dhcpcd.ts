import { join } from 'node:path'
import { ISC_NAMES } from './lease.ts'
import type { ClientProgram } from './program.ts'

/** ARP probes would take five seconds a lease. */
const CONFIGURATION = `
ipv4only
noipv4ll
noarp
nodelay
clientid
option subnet_mask, broadcast_address, routers, domain_name, domain_name_servers, domain_search, ntp_servers
option interface_mtu
reboot 4
timeout 30
`

/** Roy Marples' client. It configures the interface itself, keeps its lease and starts with INIT-REBOOT. */
export const dhcpcd: ClientProgram = {
  kind: 'dhcpcd',
  configuresByScript: false,
  // A helper of it that outlives it for a moment would take the next one's commands.
  volatile: '/run/dhcpcd',
  variableNames: ISC_NAMES,
  files: () => ({ 'dhcpcd.conf': CONFIGURATION }),
  commandLine: (place) => [
    ...['dhcpcd', '-B', '-4', '-f', join(place.folder, 'dhcpcd.conf'), '-c', place.scriptFile],
    place.interfaceName,
  ],
  renewCommand: (place) => ['dhcpcd', '-4', '-N', place.interfaceName],
  releaseCommand: (place) => ['dhcpcd', '-4', '-k', place.interfaceName],
}

import { formatIPv4Address } from '../../api/values/ipv4-address.ts'
import type { ClientProgram } from './program.ts'

/** BusyBox's client. It keeps no lease: after a restart it only asks for its old address in the DISCOVER. */
export const udhcpc: ClientProgram = {
  kind: 'udhcpc',
  configuresByScript: true,
  variableNames: {
    address: 'ip',
    subnetMask: 'subnet',
    routers: 'router',
    dnsServers: 'dns',
    domainName: 'domain',
    domainSearch: 'search',
    ntpServers: 'ntpsrv',
    leaseSeconds: 'lease',
    serverIdentifier: 'serverid',
  },
  files: () => ({}),
  commandLine: (place, previous) => [
    ...['udhcpc', '-f', '-i', place.interfaceName, '-s', place.scriptFile],
    ...['-t', '5', '-T', '2', '-A', '2', '-O', 'search', '-O', 'ntpsrv', '-O', 'mtu'],
    ...(previous === undefined ? [] : ['-r', formatIPv4Address(previous.address)]),
  ],
  renewCommand: (_place, pid) => ['kill', '-USR1', String(pid)],
  releaseCommand: (_place, pid) => ['kill', '-USR2', String(pid)],
  releasedReason: 'deconfig',
}

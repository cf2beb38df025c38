import { join } from 'node:path'
import { ISC_NAMES } from './lease.ts'
import type { ClientPlace, ClientProgram } from './program.ts'

const CONFIGURATION = `
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, domain-search,
  ntp-servers, interface-mtu;
initial-delay 0;
initial-interval 1;
backoff-cutoff 2;
reboot 4;
retry 2;
timeout 30;
`

/**
 * ISC's client. It keeps its lease and starts with INIT-REBOOT when it has one; it renews by its own clock only.
 * A copy of the program is run: Ubuntu's AppArmor profile forbids /sbin/dhclient other scripts and lease files.
 */
export const dhclient: ClientProgram = {
  kind: 'dhclient',
  configuresByScript: true,
  variableNames: ISC_NAMES,
  files: () => ({ 'dhclient.conf': CONFIGURATION }),
  commandLine: (place) => ['sh', '-c', RUN_COPY, 'sh', place.folder, '-4', '-d', ...options(place)],
  renewCommand: () => undefined,
  releaseCommand: (place) => ['sh', '-c', RUN_COPY, 'sh', place.folder, '-4', '-r', ...options(place)],
}

const RUN_COPY = `
folder=$1; shift
[ -x "$folder/dhclient" ] || cp "$(command -v dhclient)" "$folder/dhclient"
exec "$folder/dhclient" "$@"`

function options(place: ClientPlace): string[] {
  const file = (name: string) => join(place.folder, name)
  return [
    ...['-cf', file('dhclient.conf'), '-lf', file('dhclient.leases'), '-pf', file('dhclient.pid')],
    ...['-sf', place.scriptFile, place.interfaceName],
  ]
}

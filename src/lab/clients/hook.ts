import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { NetworkNamespace } from '../namespace.ts'
import type { Variables } from './lease.ts'

/** One call of a client's script. */
export interface HookEvent {
  /** udhcpc's first argument, or dhclient's and dhcpcd's $reason. */
  readonly reason: string
  readonly variables: Variables
}

/** Configures the interface where the client leaves that to its script. */
const CONFIGURE = `
address=\${new_ip_address:-$ip}
mask=\${new_subnet_mask:-$subnet}
routers=\${new_routers:-$router}
case "$event" in
  PREINIT) ip link set dev "$interface" up ;;
  BOUND|RENEW|REBIND|REBOOT|bound|renew)
    if [ -n "$old_ip_address" ] && [ "$old_ip_address" != "$address" ]; then
      ip -4 address flush dev "$interface"
    fi
    ip address replace "$address/\${mask:-255.255.255.255}" dev "$interface"
    for router in $routers; do
      ip route replace default via "$router" dev "$interface" onlink && break
    done ;;
  EXPIRE|FAIL|RELEASE|STOP|deconfig)
    ip -4 address flush dev "$interface" ;;
esac
`

/** Every variable of the call goes into one line of a file: values may hold anything but NUL. */
export function hookScript(eventsFile: string, configure: boolean): string {
  return `#!/bin/sh
event=\${reason:-$1}
variables=$(env -0 | base64 -w0)
${configure ? CONFIGURE : ''}
echo "$event $variables" >> ${eventsFile}
exit 0
`
}

/** Follows the file that the script writes; `onEvent` is called once for each call of the script. */
export function followHook(
  namespace: NetworkNamespace,
  eventsFile: string,
  onEvent: (event: HookEvent) => void,
): ChildProcess {
  const tail = namespace.spawnPiped('tail', ['-n', '+1', '-f', eventsFile])
  createInterface({ input: tail.stdout }).on('line', (line) => {
    const [reason = '', variables = ''] = line.split(' ')
    onEvent({ reason, variables: parseVariables(Buffer.from(variables, 'base64').toString('utf8')) })
  })
  return tail
}

function parseVariables(text: string): Variables {
  const pairs = text.split('\0').filter((pair) => pair.includes('='))
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}

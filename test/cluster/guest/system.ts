import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ArchiveEntry, archive } from './archive.ts'

/** What a guest boots is not in the cache. */
export class GuestMissingError extends Error {
  override readonly name = 'GuestMissingError'
}

/** Begins a report of the DHCP client on the console; `@end` ends it. */
export const REPORT = '@lease'
export const REPORT_END = '@end'
/** From here on it takes lines; what came earlier is lost. */
export const READY = '@ready'

const VARIABLES = 'ip mask subnet router dns domain search ntpsrv lease serverid mtu hostname'

/** udhcpc's script: configures the interface, and tells on the console. */
const LEASE_SCRIPT = `#!/bin/sh
case $1 in
  deconfig) ip address flush dev $interface; ip link set $interface up ;;
  bound|renew)
    ip address replace $ip/$mask dev $interface
    for one in $router; do ip route replace default via $one; done ;;
esac
{
  echo "${REPORT} $1"
  for name in ${VARIABLES}; do eval "value=\\$$name"; [ -z "$value" ] || echo "$name=$value"; done
  echo ${REPORT_END}
} >/dev/console
`

/** The guest's first process: drivers, the DHCP client, then a shell that takes lines from the console. */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
stty -echo -F /dev/ttyS0
for module in /modules/*; do insmod $module; done
ip link set lo up
ip link set eth0 up
udhcpc -f -i eth0 -s /lease -t 5 -T 2 -A 2 -O search -O ntpsrv -O mtu >/dev/null 2>&1 &
echo $! >/dhcp-client
exec 3</dev/ttyS0
echo ${READY}
while read -r line <&3; do eval "$line"; done
poweroff -f
`

export interface GuestSystem {
  readonly kernel: string
  readonly initialRoot: Buffer
}

/** @throws GuestMissingError when `prepare.mjs` has not run */
export function guestSystem(): GuestSystem {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(cache, 'managed-dhcp', 'guest')
  const modules = join(folder, 'modules')
  if (!existsSync(modules)) {
    throw new GuestMissingError(`there is no guest in ${folder}: run "node test/cluster/guest/prepare.mjs"`)
  }
  const program = (path: string, content: string | Buffer): ArchiveEntry => ({
    path,
    content: Buffer.from(content),
    mode: 0o755,
  })
  const folders = ['bin', 'dev', 'modules', 'proc', 'sys', 'tmp'].map((path) => ({ path, mode: 0o755 }))
  const drivers = readdirSync(modules).map((name) =>
    program(`modules/${name}`, readFileSync(join(modules, name))),
  )
  return {
    kernel: join(folder, 'vmlinuz'),
    initialRoot: archive([
      ...folders,
      program('bin/busybox', readFileSync(join(folder, 'busybox'))),
      program('init', INIT),
      program('lease', LEASE_SCRIPT),
      ...drivers,
    ]),
  }
}

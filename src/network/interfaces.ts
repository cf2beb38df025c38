import { readFileSync } from 'node:fs'

/**
 * The network interfaces of this process's network namespace.
 * From /proc: /sys/class/net shows the namespace in which /sys was mounted, which under `unshare -n` is another.
 */
export function listInterfaces(): string[] {
  return readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .map((line) => line.split(':')[0]?.trim() ?? '')
    .filter((name) => name !== '')
}

import { labEnvironment } from '../../../src/lab/tools.ts'
import { runCommand } from '../../../src/network/command.ts'

/** Cuts TCP ports of this network namespace off, as a cable that is pulled does: neither side hears a word of it. */
export interface PortCutter {
  cut(port: number): Promise<void>
  mend(port: number): Promise<void>
  /** Mends all, and leaves the routing as it was found. */
  close(): Promise<void>
}

/** An interface with nobody behind it, and no ARP that would notice. */
const NOWHERE = 'nowhere0'
const TABLE = '99'
/** Rules are asked in this order; the kernel's own begin with the local table at 0. */
const CUT_RULES = '10'
const LOCAL_TABLE_RULE = '100'

/** By policy routing (ip-rule(8)): it needs neither netfilter nor traffic control in the kernel. */
export async function openPortCutter(): Promise<PortCutter> {
  const isCut = new Set<number>()
  await ip('link', 'add', NOWHERE, 'type', 'bridge')
  await ip('link', 'set', NOWHERE, 'arp', 'off', 'up')
  await ip('route', 'add', 'default', 'dev', NOWHERE, 'src', '127.0.0.1', 'table', TABLE)
  await ip('rule', 'add', 'pref', LOCAL_TABLE_RULE, 'lookup', 'local')
  await ip('rule', 'delete', 'pref', '0')

  const change = async (action: 'add' | 'delete', port: number) => {
    for (const direction of ['dport', 'sport']) {
      const match = ['ipproto', 'tcp', direction, String(port)]
      await ip('rule', action, 'pref', CUT_RULES, ...match, 'lookup', TABLE)
    }
  }
  const mend = async (port: number) => {
    if (isCut.delete(port)) await change('delete', port)
  }
  return {
    async cut(port) {
      if (isCut.has(port)) return
      isCut.add(port)
      await change('add', port)
    },
    mend,
    async close() {
      for (const port of isCut) await mend(port)
      await ip('rule', 'add', 'pref', '0', 'lookup', 'local')
      await ip('rule', 'delete', 'pref', LOCAL_TABLE_RULE)
      await ip('link', 'delete', NOWHERE)
    },
  }
}

async function ip(...args: string[]): Promise<void> {
  await runCommand('ip', args, { environment: labEnvironment() })
}

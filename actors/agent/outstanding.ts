import * as z from 'zod'
import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { toInstant } from '../../src/api/values/time.ts'
import type { LeaseTable } from './state.ts'

/**
 * By address: whose lease may still run there, although the pool has given the address to another, and until when, in
 * milliseconds since 1970 by the clock of this machine. An agent that starts again must not forget it (law 1).
 */
export const outstandingSchema = z.record(
  z.ipv4(),
  z.object({ mac: z.string().transform(parseMacAddress), until: z.number().transform(toInstant) }),
)
export type Outstanding = z.infer<typeof outstandingSchema>

/** For the state file; nothing where there is none, as nearly always. */
export function outstandingOf({ outstanding }: LeaseTable): { outstanding?: Outstanding } {
  if (outstanding.size === 0) return {}
  const entries = [...outstanding].map(([address, lease]) => [formatIPv4Address(address), lease])
  return { outstanding: Object.fromEntries(entries) }
}

/** Changes `table` in place. */
export function rememberOutstanding(table: LeaseTable, outstanding: Outstanding): void {
  for (const [address, lease] of Object.entries(outstanding)) {
    table.outstanding.set(parseIPv4Address(address), lease)
  }
}

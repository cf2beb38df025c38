import * as z from 'zod'
import { allocateReplySchema, leaseDeltaSchema, snapshotReplySchema } from '../../actors/pool/contracts.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import type { Leg } from '../../transports/messages/simulated-network.ts'
import { parseSubject } from '../../transports/messages/subjects.ts'

/** A lease that somebody is told of; the reply to a request does not say whose it is. */
export interface ToldLease {
  readonly address: string
  readonly mac?: string
}

const allocated = z.object({ body: allocateReplySchema })
const snapshot = z.object({ body: snapshotReplySchema })
const delta = z.object({ body: leaseDeltaSchema })

/** The leases that a message tells of, and of which pool, as `default/lan`; undefined when it tells of none. */
export function readTold({ kind, subject, body }: Leg): { pool: string; leases: ToldLease[] } | undefined {
  const parsed = kind === 'request' ? undefined : parseSubject(subject)
  if (parsed?.about !== 'pool') return undefined
  const leases = leasesIn(`${parsed.kind} ${parsed.verb}`, body)
  return leases === undefined ? undefined : { pool: formatObjectKey(parsed.key), leases }
}

function leasesIn(what: string, body: unknown): ToldLease[] | undefined {
  switch (what) {
    case 'cmd allocate': {
      const reply = allocated.safeParse(body).data?.body
      return reply?.outcome === 'allocated' ? [{ address: reply.address }] : undefined
    }
    case 'cmd snapshot': {
      const reply = snapshot.safeParse(body).data?.body
      return reply?.outcome === 'snapshot' ? held(reply.snapshot.leases) : undefined
    }
    case 'event delta':
      return held(delta.safeParse(body).data?.body.leases ?? {})
    default:
      return undefined
  }
}

function held(leases: Readonly<Record<string, string | null>>): ToldLease[] {
  return Object.entries(leases).flatMap(([address, mac]) => (mac === null ? [] : [{ address, mac }]))
}

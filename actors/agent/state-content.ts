import { createHash } from 'node:crypto'
import * as z from 'zod'
import { formatObjectKey, type ObjectKey, sameObjectKey } from '../../src/api/values/object-key.ts'
import { poolSnapshotSchema } from '../pool/contracts.ts'
import { outstandingSchema } from './outstanding.ts'

/** Version 1 had no sum: what disks do to a file went unnoticed when it was still JSON afterwards. */
const contentSchema = z.discriminatedUnion('version', [
  z.object({ version: z.literal(1), snapshot: z.unknown() }),
  z.object({ version: z.literal(2), sha256: z.string(), snapshot: z.unknown() }),
])

/** What is known of the pool, and which leases of others still run at addresses that changed hands. */
const savedStateSchema = poolSnapshotSchema.extend({ outstanding: outstandingSchema.optional() })
export type SavedState = z.infer<typeof savedStateSchema>

/** The file is not what an agent of this IPPool wrote. */
export class DamagedStateError extends Error {
  override readonly name = 'DamagedStateError'
}

export function encodeState(snapshot: SavedState): string {
  const text = JSON.stringify(snapshot)
  return `{"version":2,"sha256":"${sumOf(text)}","snapshot":${text}}`
}

/** @throws DamagedStateError, and what JSON and schemas throw */
export function decodeState(text: string, pool: ObjectKey): SavedState {
  const content = contentSchema.parse(JSON.parse(text))
  if (content.version === 2 && content.sha256 !== sumOf(JSON.stringify(content.snapshot))) {
    throw new DamagedStateError('its content is not what was written')
  }
  const snapshot = savedStateSchema.parse(content.snapshot)
  if (!sameObjectKey(snapshot, pool)) {
    throw new DamagedStateError(`it is of the IPPool ${formatObjectKey(snapshot)}`)
  }
  return snapshot
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

import * as z from 'zod'

const bodySchema = z.object({
  body: z.looseObject({
    macAddress: z.string().optional(),
    address: z.string().optional(),
    outcome: z.string().optional(),
    reason: z.string().optional(),
    revision: z.number().optional(),
    previousRevision: z.number().optional(),
    leases: z.record(z.string(), z.string().nullable()).optional(),
  }),
})

/** A message in one line, and what it is about. */
export function describeMessage(subject: string, message: unknown): { text: string; about: string[] } {
  const name = subject.split('.').slice(2).join('.')
  const parsed = bodySchema.safeParse(message)
  if (!parsed.success) return { text: name, about: [] }
  const { macAddress, address, outcome, reason, revision, previousRevision, leases = {} } = parsed.data.body
  const changes = Object.entries(leases)
  const words = [
    name,
    outcome,
    reason,
    address,
    macAddress,
    previousRevision === undefined ? undefined : `revision ${previousRevision} →`,
    revision === undefined ? undefined : `${previousRevision === undefined ? 'revision ' : ''}${revision}`,
    changes.length > 3
      ? `${changes.length} leases`
      : changes.map(([ip, mac]) => `${ip}: ${mac ?? 'free'}`).join(', '),
  ]
  const text = words.filter((word) => word !== undefined && word !== '').join(' ')
  const about = [macAddress, address, ...changes.flat()].filter((name) => typeof name === 'string')
  return { text, about }
}

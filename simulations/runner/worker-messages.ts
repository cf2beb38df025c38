import * as z from 'zod'
import { planSchema } from '../plan/plan.ts'

/** What a thread is asked: one simulation. */
export const taskSchema = z.object({ plan: planSchema, keepTrace: z.boolean() })
export type Task = z.infer<typeof taskSchema>

const violationSchema = z.object({
  law: z.string(),
  at: z.number(),
  message: z.string(),
  about: z.array(z.string()),
})

const traceEntrySchema = z.object({
  at: z.number(),
  kind: z.enum(['message', 'packet', 'lease', 'operation', 'fault', 'step', 'violation']),
  who: z.string(),
  to: z.string().exactOptional(),
  arrivesAt: z.number().exactOptional(),
  text: z.string(),
  about: z.array(z.string()),
})

export const runResultSchema = z.object({
  plan: planSchema,
  violations: z.array(violationSchema),
  digest: z.string(),
  simulatedMs: z.number(),
  events: z.number(),
  wallMs: z.number(),
  coverage: z.record(z.string(), z.number()),
  trace: z.array(traceEntrySchema).exactOptional(),
})

/** What a thread answers; `threw`: the simulation could not even tell what went wrong. */
export const answerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ran'), result: runResultSchema }),
  z.object({ type: z.literal('threw'), error: z.string() }),
])
export type Answer = z.infer<typeof answerSchema>

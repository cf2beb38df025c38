import * as z from 'zod'
import { faultSchema } from './faults.ts'
import { operationSchema } from './operations.ts'

const network = z.object({
  /** Of the NetworkAttachmentDefinition, in the namespace `default`, and usually of its IPPool, too. */
  name: z.string(),
  /** The IPPool, where it is another's namesake. Operations call it by the network's name all the same. */
  pool: z.object({ namespace: z.string(), name: z.string() }).optional(),
  cidr: z.string(),
  start: z.string(),
  end: z.string(),
  server: z.string(),
  leaseSeconds: z.int().min(10),
  /** Two while an upgrade or a lost node has the old one still run. */
  agents: z.int().min(1).max(2),
})
export type NetworkPlan = z.infer<typeof network>

/** The IPPool of a network. */
export function poolOf({ name, pool }: Pick<NetworkPlan, 'name' | 'pool'>): {
  namespace: string
  name: string
} {
  return pool ?? { namespace: 'default', name }
}

/**
 * All that a simulation depends on: the same plan is the same run, to the byte. What happens by chance between the lines
 * (latencies, which message of a lossy link is lost, in which order what is ready runs) comes from `seed`.
 */
export const planSchema = z.object({
  version: z.literal(1),
  scenario: z.string(),
  seed: z.int().min(0),
  /** Controllers are `controller-1`, …; agents `agent-<network>-1`, …; others are `operator`, `api`, `broker`. */
  controllers: z.int().min(1).max(3),
  /** False: each believes that it is the only one. */
  leaderElection: z.boolean(),
  /** Whether a controller's own actors talk past the broker, as they do in production. */
  localFirst: z.boolean(),
  networks: z.array(network).min(1),
  /** Operations and faults happen within; afterwards everything is healed, and what must come true is waited for. */
  durationMs: z.int().min(1),
  operations: z.array(operationSchema),
  faults: z.array(faultSchema),
})
export type Plan = z.infer<typeof planSchema>

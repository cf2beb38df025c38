import * as z from 'zod'
import { planSchema } from '../plan/plan.ts'

/** A plan that once broke a law. */
export const regressionSchema = z.strictObject({
  /** What went wrong, as a user would have seen it. */
  title: z.string().min(1),
  /** The law that it broke. */
  law: z.string().min(1),
  plan: planSchema,
})
export type Regression = z.infer<typeof regressionSchema>

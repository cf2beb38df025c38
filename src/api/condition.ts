import * as z from 'zod'
import { formatInstant, type Instant } from './values/time.ts'

export type ConditionStatus = 'True' | 'False' | 'Unknown'

export const conditionSchema = z.looseObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  lastUpdateTime: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
})

/**
 * As the old add-on wrote them: `lastUpdateTime` moves whenever anything else in the condition does. `reason` is for
 * programs, `message` says to people what is wrong and what to do; both are there where the status needs explaining.
 */
export type Condition = z.infer<typeof conditionSchema>

export interface ConditionValue {
  status: boolean
  reason?: string | undefined
  message?: string | undefined
}

/**
 * The list with `type` set to `value`: the same list when nothing changed, so that a status is written only when it
 * says something new. The order of the list is kept; a new type goes last.
 */
export function setCondition(
  conditions: readonly Condition[],
  type: string,
  value: ConditionValue,
  now: Instant,
): readonly Condition[] {
  const current = conditions.find((condition) => condition.type === type)
  const status: ConditionStatus = value.status ? 'True' : 'False'
  if (
    current !== undefined &&
    current.status === status &&
    (current.reason ?? '') === (value.reason ?? '') &&
    (current.message ?? '') === (value.message ?? '')
  ) {
    return conditions
  }
  const next: Condition = { lastUpdateTime: formatInstant(now), status, type }
  if (value.reason) next.reason = value.reason
  if (value.message) next.message = value.message
  return current === undefined
    ? [...conditions, next]
    : conditions.map((condition) => (condition === current ? next : condition))
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
}

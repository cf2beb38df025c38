import { fieldsOf } from '../json.ts'
import { invalidValue } from '../schema/causes.ts'
import type { Validator } from '../schema/validator.ts'

/** Of the built-in kinds only what leader election depends on is checked (pkg/apis/coordination/validation). */
export const BUILTIN_VALIDATORS: Readonly<Record<string, Validator | undefined>> = { leases: validateLease }

function validateLease(object: unknown): ReturnType<Validator> {
  const { leaseDurationSeconds, leaseTransitions } = fieldsOf(fieldsOf(object).spec)
  const duration = 'spec.leaseDurationSeconds'
  return [
    ...(typeof leaseDurationSeconds === 'number' && leaseDurationSeconds <= 0
      ? [invalidValue(duration, leaseDurationSeconds, 'must be greater than 0')]
      : []),
    ...(typeof leaseTransitions === 'number' && leaseTransitions < 0
      ? [invalidValue('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0')]
      : []),
  ]
}

import { isDeepStrictEqual } from 'node:util'
import type { FieldProblem } from '../../api/field-problem.ts'
import { ipPoolSchema } from '../../api/ippool.ts'
import { parsePoolConfiguration } from '../../api/pool-configuration.ts'
import { IP_POOLS } from '../../api/resource.ts'
import type { Admission } from '../../embedded/admission.ts'

/** What the schema of the CRD cannot say, said at `kubectl apply` already; the pool actor checks it again. */
export const admitPools: Admission = ({ resource, object, oldObject }) => {
  const isPool = resource.group === IP_POOLS.group && resource.plural === IP_POOLS.plural
  if (!isPool || object === undefined) return { allowed: true }
  // An object that was accepted once must stay deletable: finalizers and labels may change whatever the spec says.
  if (oldObject !== undefined && isDeepStrictEqual(oldObject.spec, object.spec)) return { allowed: true }
  const problems = problemsOf(object)
  if (problems.length === 0) return { allowed: true }
  return {
    allowed: false,
    message: 'the IPPool cannot be served',
    causes: problems.map(({ path, message }) => ({ reason: 'FieldValueInvalid', field: path, message })),
  }
}

function problemsOf(object: unknown): readonly FieldProblem[] {
  const pool = ipPoolSchema.safeParse(object, { reportInput: true })
  if (!pool.success) {
    return pool.error.issues.map(({ path, message, input }) => ({
      path: path.join('.'),
      message: input === undefined ? 'is required' : message,
    }))
  }
  const parsed = parsePoolConfiguration(pool.data)
  return parsed.ok ? [] : parsed.problems
}

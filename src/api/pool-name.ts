import type { FieldProblem } from './field-problem.ts'

/** The network's label names its pool, and a label's value ends there. */
const LONGEST_POOL_NAME = 63

/** Kubernetes allows names of 253 characters; a pool that has such a one could never register with its network. */
export function poolNameProblem(name: string): FieldProblem | undefined {
  if (name.length <= LONGEST_POOL_NAME) return undefined
  const message = `${name} is longer than ${LONGEST_POOL_NAME} characters, which is all that the label of its network can hold; create the IPPool under a shorter name`
  return { path: 'metadata.name', message }
}

import type * as z from 'zod'
import { describeProblems, type FieldProblem } from '../api/field-problem.ts'
import type { KubeObject } from '../api/object.ts'
import type { Resource } from '../api/resource.ts'

/** What somebody wants to do to an object, whichever API server asks. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly resource: Pick<Resource, 'group' | 'plural'>
  /** Absent for DELETE. */
  readonly object?: KubeObject | undefined
  /** Absent for CREATE. */
  readonly oldObject?: KubeObject | undefined
}

export type Verdict =
  | { readonly allowed: true; readonly warnings: readonly string[] }
  /** The object as it would be is wrong. */
  | {
      readonly allowed: false
      readonly reason: 'Invalid'
      readonly message: string
      readonly problems: readonly FieldProblem[]
    }
  /** It cannot be done now. */
  | { readonly allowed: false; readonly reason: 'Forbidden'; readonly message: string }

export function allowed(warnings: readonly string[] = []): Verdict {
  return { allowed: true, warnings }
}

/** Every problem, each with its path, what is wrong and what to do. */
export function verdictOf(problems: readonly FieldProblem[], warnings: readonly string[] = []): Verdict {
  if (problems.length === 0) return allowed(warnings)
  return { allowed: false, reason: 'Invalid', message: describeProblems(problems), problems }
}

/** What is missing in an object, or has the wrong type. */
export function shapeProblems({ issues }: z.ZodError): readonly FieldProblem[] {
  return issues.map(({ path, message, input }) => ({
    path: path.join('.'),
    message: input === undefined ? 'is required' : message,
  }))
}

/**
 * Those of `problems` that an edit brings in. What was wrong before may stay wrong, or an object that was once accepted
 * could only be corrected as a whole.
 */
export function newProblems(
  problems: readonly FieldProblem[],
  before: readonly FieldProblem[],
): { added: readonly FieldProblem[]; kept: readonly FieldProblem[] } {
  const keyOf = ({ path, message }: FieldProblem) => `${path.replaceAll(/\[\d+\]/g, '[]')}: ${message}`
  const known = new Set(before.map(keyOf))
  const isKnown = (problem: FieldProblem) => known.has(keyOf(problem))
  return { added: problems.filter((problem) => !isKnown(problem)), kept: problems.filter(isKnown) }
}

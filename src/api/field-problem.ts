/** One thing that is wrong with an object, with the path of the field and what to do about it. */
export interface FieldProblem {
  path: string
  message: string
}

export function describeProblems(problems: readonly FieldProblem[]): string {
  return problems.map(({ path, message }) => `${path}: ${message}`).join('; ')
}

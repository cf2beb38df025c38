import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type * as z from 'zod'
import { packageFile } from '../../src/runtime/package-root.ts'
import { type Plan, planSchema } from '../plan/plan.ts'
import { type Regression, regressionSchema } from './regression.ts'

/** A file that should hold a plan, and does not. */
export class PlanFileError extends Error {
  override readonly name = 'PlanFileError'
  constructor(
    readonly file: string,
    why: string,
    cause?: unknown,
  ) {
    super(`${file} is no plan that can be replayed: ${why}`, { cause })
  }
}

export interface NamedRegression extends Regression {
  /** Its path. */
  readonly file: string
}

/**
 * A plan, or a counterexample or regression that holds one.
 * @throws PlanFileError
 */
export function readPlan(file: string): Plan {
  const json = readJson(file)
  const isWrapped = typeof json === 'object' && json !== null && 'plan' in json
  return isWrapped ? parse(file, json, regressionSchema).plan : parse(file, json, planSchema)
}

/**
 * Those that came with the program, in the order of their names.
 * @throws PlanFileError
 */
export function readRegressions(
  directory: string = packageFile('simulations', 'regressions'),
): NamedRegression[] {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch (cause) {
    throw new PlanFileError(directory, messageOf(cause), cause)
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const file = path.join(directory, name)
      return { ...parse(file, readJson(file), regressionSchema), file }
    })
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new PlanFileError(file, messageOf(cause), cause)
  }
}

function parse<Schema extends z.ZodType>(file: string, json: unknown, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  throw new PlanFileError(file, `${where}${issue?.message ?? 'it does not look like one'}`, parsed.error)
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

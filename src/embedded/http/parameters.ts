import * as z from 'zod'
import { seconds } from '../../api/values/time.ts'
import type { Deletion } from '../operations/delete.ts'
import { forbiddenValue } from '../schema/causes.ts'
import { badRequest, invalid, type StatusCause } from '../status.ts'

const flag = z.enum(['true', 'false', '1', '0', '']).transform((text) => text === 'true' || text === '1')
const count = z.coerce.number().int().min(0)

const parametersSchema = z.object({
  watch: flag.optional(),
  allowWatchBookmarks: flag.optional(),
  sendInitialEvents: flag.optional(),
  timeoutSeconds: count.max(86_400).optional(),
  resourceVersion: z.string().optional(),
  resourceVersionMatch: z.enum(['Exact', 'NotOlderThan']).optional(),
  labelSelector: z.string().optional(),
  fieldSelector: z.string().optional(),
  limit: count.optional(),
  continue: z.string().optional(),
  includeObject: z.enum(['None', 'Metadata', 'Object']).optional(),
  dryRun: z.literal('All').optional(),
  fieldValidation: z.enum(['Strict', 'Warn', 'Ignore']).optional(),
  fieldManager: z.string().max(128).optional(),
  force: flag.optional(),
  propagationPolicy: z.enum(['Background', 'Foreground', 'Orphan']).optional(),
  gracePeriodSeconds: z.coerce.number().int().optional(),
})

export type Parameters = z.infer<typeof parametersSchema>

/** @throws ApiError 400 */
export function parseParameters(query: unknown): Parameters {
  const parsed = parametersSchema.safeParse(query)
  if (parsed.success) return parsed.data
  throw badRequest(`invalid query parameters: ${z.prettifyError(parsed.error)}`)
}

/**
 * What of these goes with what, when several objects are asked for (apimachinery, ValidateListOptions).
 * @throws ApiError 422
 */
export function checkListParameters(parameters: Parameters): void {
  const { watch, sendInitialEvents, resourceVersion, resourceVersionMatch } = parameters
  const causes: StatusCause[] = []
  const forbid = (field: string, why: string) => causes.push(forbiddenValue(field, why))
  if (sendInitialEvents !== undefined && !watch) {
    forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list')
  } else if (sendInitialEvents !== undefined && resourceVersionMatch !== 'NotOlderThan') {
    forbid('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  } else if (resourceVersionMatch !== undefined && watch && sendInitialEvents === undefined) {
    forbid(
      'resourceVersionMatch',
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    )
  } else if (resourceVersionMatch !== undefined && !watch && !resourceVersion) {
    forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided')
  }
  if (causes.length > 0) throw invalid({ group: '', kind: 'ListOptions' }, '', causes)
}

const deleteOptionsSchema = z.looseObject({
  propagationPolicy: z.enum(['Background', 'Foreground', 'Orphan']).nullish(),
  orphanDependents: z.boolean().nullish(),
  dryRun: z.array(z.string()).nullish(),
  preconditions: z.object({ uid: z.string().optional(), resourceVersion: z.string().optional() }).nullish(),
})

/** DeleteOptions may come as parameters or as a body. @throws ApiError 400 */
export function parseDeletion(
  parameters: Parameters,
  body: unknown,
): { deletion: Deletion; dryRun: boolean } {
  const parsed = deleteOptionsSchema.safeParse(body ?? {})
  if (!parsed.success) throw badRequest(`invalid DeleteOptions: ${z.prettifyError(parsed.error)}`)
  const options = parsed.data
  const orphan = options.orphanDependents === true ? 'Orphan' : undefined
  return {
    deletion: {
      preconditions: options.preconditions ?? undefined,
      propagation: options.propagationPolicy ?? parameters.propagationPolicy ?? orphan,
    },
    dryRun: parameters.dryRun === 'All' || options.dryRun?.includes('All') === true,
  }
}

/** A watch that asks for no end gets one all the same, as on a real server (half an hour to an hour there). */
export const DEFAULT_WATCH_TIMEOUT = seconds(45 * 60)

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import * as z from 'zod'

/** One request as the API server's audit log tells it (audit.k8s.io/v1), in what matters to roles. */
export interface AuditedRequest {
  user: string
  verb: string
  /** "" is the core group. */
  group: string
  /** With its subresource, as roles write it: "ippools/status". */
  resource: string
  namespace: string | undefined
  name: string | undefined
  code: number
  message: string | undefined
  /** When it came in, in milliseconds since 1970. */
  at: number
}

const eventSchema = z.object({
  requestReceivedTimestamp: z.string(),
  verb: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z
    .object({
      apiGroup: z.string().default(''),
      resource: z.string(),
      subresource: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  responseStatus: z.object({ code: z.number().default(0), message: z.string().optional() }).optional(),
})

/** The requests for objects that `isOfInterest` users made, in the order of the log. */
export async function readAuditLog(
  file: string,
  isOfInterest: (user: string) => boolean,
): Promise<AuditedRequest[]> {
  const requests: AuditedRequest[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const event = written(line)
    if (event === undefined) continue
    const { user, verb, objectRef, responseStatus, requestReceivedTimestamp } = eventSchema.parse(event)
    if (objectRef === undefined || !isOfInterest(user.username)) continue
    const { apiGroup: group, resource, subresource, namespace, name } = objectRef
    requests.push({
      user: user.username,
      verb,
      group,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      namespace,
      name,
      code: responseStatus?.code ?? 0,
      message: responseStatus?.message,
      at: Date.parse(requestReceivedTimestamp),
    })
  }
  return requests
}

/** The last line may be half written yet. */
function written(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

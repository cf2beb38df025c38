import * as z from 'zod'
import { type KubeObject, kubeObjectSchema } from '../api/object.ts'
import { apiVersionOf, type Resource } from '../api/resource.ts'
import { UnavailableError } from './errors.ts'
import { errorOf } from './status-error.ts'
import type { WatchEvent } from './store.ts'

const listSchema = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string().optional(),
    continue: z.string().optional(),
  }),
  items: z.array(kubeObjectSchema).nullish(),
})

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: kubeObjectSchema }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }),
  }),
  z.object({ type: z.literal('ERROR'), object: z.unknown() }),
])

function typeOf(resource: Resource): { apiVersion: string; kind: string } {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind }
}

/** One page of a list. Lists of built-in kinds leave out what kind their items are: it is added. */
export function toPage(
  resource: Resource,
  answer: unknown,
): { items: KubeObject[]; resourceVersion: string; continue: string | undefined } {
  const page = listSchema.safeParse(answer)
  if (!page.success) throw notUnderstood(`list of ${resource.plural}`, page.error)
  const { items, metadata } = page.data
  return {
    items: (items ?? []).map((item) => ({ ...typeOf(resource), ...item })),
    resourceVersion: metadata.resourceVersion ?? '',
    continue: metadata.continue,
  }
}

export function toObject(resource: Resource, answer: unknown): KubeObject {
  const parsed = kubeObjectSchema.safeParse(answer)
  if (!parsed.success) throw notUnderstood(resource.kind, parsed.error)
  return parsed.data
}

/** @throws StoreError for an ERROR event, ExpiredError when it says 410 */
export function toEvent(resource: Resource, line: string): WatchEvent {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw notUnderstood(`watch of ${resource.plural}`, cause)
  }
  const parsed = eventSchema.safeParse(value)
  if (!parsed.success) throw notUnderstood(`watch of ${resource.plural}`, parsed.error)
  const { type, object } = parsed.data
  if (type === 'ERROR') throw errorOf({ code: 500, body: object })
  if (type === 'BOOKMARK') return { type, resourceVersion: object.metadata.resourceVersion }
  return { type, object: { ...typeOf(resource), ...object } }
}

export function notUnderstood(what: string, cause: unknown): UnavailableError {
  return new UnavailableError(200, `${what}: the API server's answer is not understood`, { cause })
}

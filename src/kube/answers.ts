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
  items: z.array(z.unknown()).nullish(),
})

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: z.unknown() }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }),
  }),
  z.object({ type: z.literal('ERROR'), object: z.unknown() }),
])

function typeOf(resource: Resource): { apiVersion: string; kind: string } {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind }
}

/** What an object must have to be told from others. */
const nameSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
  }),
})

/**
 * One object among others. Where its metadata cannot be read, its name and the rest of it can: were it left out, it
 * would look deleted. Without a name it is nobody's.
 */
function readObject(value: unknown): KubeObject | undefined {
  const whole = kubeObjectSchema.safeParse(value)
  if (whole.success) return whole.data
  const named = nameSchema.safeParse(value)
  if (!named.success) return undefined
  const { name, namespace, uid, resourceVersion } = named.data.metadata
  return {
    ...named.data,
    apiVersion: undefined,
    kind: undefined,
    metadata: { name, namespace, uid, resourceVersion },
  }
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
    items: (items ?? []).flatMap((item) => withType(resource, readObject(item)) ?? []),
    resourceVersion: metadata.resourceVersion ?? '',
    continue: metadata.continue,
  }
}

export function toObject(resource: Resource, answer: unknown): KubeObject {
  const parsed = kubeObjectSchema.safeParse(answer)
  if (!parsed.success) throw notUnderstood(resource.kind, parsed.error)
  return parsed.data
}

function withType(resource: Resource, object: KubeObject | undefined): KubeObject | undefined {
  if (object === undefined) return undefined
  const type = typeOf(resource)
  return { ...object, apiVersion: object.apiVersion ?? type.apiVersion, kind: object.kind ?? type.kind }
}

/**
 * @returns undefined for an event about something without a name
 * @throws StoreError for an ERROR event, ExpiredError when it says 410
 */
export function toEvent(resource: Resource, line: string): WatchEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw notUnderstood(`watch of ${resource.plural}`, cause)
  }
  const parsed = eventSchema.safeParse(value)
  if (!parsed.success) throw notUnderstood(`watch of ${resource.plural}`, parsed.error)
  const event = parsed.data
  if (event.type === 'ERROR') throw errorOf({ code: 500, body: event.object })
  if (event.type === 'BOOKMARK') {
    return { type: event.type, resourceVersion: event.object.metadata.resourceVersion }
  }
  const object = withType(resource, readObject(event.object))
  return object === undefined ? undefined : { type: event.type, object }
}

export function notUnderstood(what: string, cause: unknown): UnavailableError {
  return new UnavailableError(200, `${what}: the API server's answer is not understood`, { cause })
}

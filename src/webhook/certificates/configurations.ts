import * as z from 'zod'
import { kubeObjectSchema } from '../../api/object.ts'
import {
  MUTATING_WEBHOOK_CONFIGURATIONS,
  type Resource,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '../../api/resource.ts'
import { ConflictError, InvalidObjectError, NotFoundError } from '../../kube/errors.ts'
import type { JsonPatchOperation, Store } from '../../kube/store.ts'
import { ConfigurationMissingError } from './errors.ts'

/** The objects that make the API server ask, by their common name. */
const CONFIGURATION_NAME = 'managed-dhcp'
export const CONFIGURATION_KINDS: readonly Resource[] = [
  VALIDATING_WEBHOOK_CONFIGURATIONS,
  MUTATING_WEBHOOK_CONFIGURATIONS,
]

const configurationSchema = kubeObjectSchema.extend({
  webhooks: z
    .array(
      z.looseObject({
        name: z.string(),
        clientConfig: z.looseObject({ caBundle: z.string().optional() }),
      }),
    )
    .optional(),
})

/** @throws ConfigurationMissingError, StoreError */
async function readConfiguration(store: Store, kind: Resource) {
  try {
    return configurationSchema.parse(await store.get(kind, { namespace: '', name: CONFIGURATION_NAME }))
  } catch (error) {
    if (error instanceof NotFoundError) throw new ConfigurationMissingError(kind.kind, CONFIGURATION_NAME)
    throw error
  }
}

/** Whom the API server trusts as this webhook, as PEM, one for each call that it makes. */
export async function readCaBundles(store: Store, kind: Resource): Promise<readonly string[]> {
  const { webhooks = [] } = await readConfiguration(store, kind)
  return webhooks.map(({ clientConfig }) =>
    Buffer.from(clientConfig.caBundle ?? '', 'base64').toString('utf8'),
  )
}

/**
 * Makes the API server trust `pem`. What else stands there is left alone.
 * @returns whether anything had to be written
 * @throws ConfigurationMissingError, ConflictError (the object changed meanwhile: look again), StoreError
 */
export async function publishCaBundle(store: Store, kind: Resource, pem: string): Promise<boolean> {
  const { metadata, webhooks = [] } = await readConfiguration(store, kind)
  const caBundle = Buffer.from(pem).toString('base64')
  const changes = webhooks.flatMap(({ clientConfig }, index): JsonPatchOperation[] =>
    clientConfig.caBundle === caBundle
      ? []
      : [{ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle }],
  )
  if (changes.length === 0) return false
  const unchanged: JsonPatchOperation = {
    op: 'test',
    path: '/metadata/resourceVersion',
    value: metadata.resourceVersion,
  }
  const body = [unchanged, ...changes]
  try {
    await store.patch(kind, { namespace: '', name: CONFIGURATION_NAME }, { type: 'json', body })
  } catch (cause) {
    // A `test` that fails.
    if (!(cause instanceof InvalidObjectError)) throw cause
    throw new ConflictError(`${kind.kind} ${CONFIGURATION_NAME} changed meanwhile: ${cause.message}`, {
      cause,
    })
  }
  return true
}

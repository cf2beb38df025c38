import type { KubeObject, ObjectMeta } from '../../api/object.ts'
import { formatInstant, type Instant } from '../../api/values/time.ts'
import type { Random } from '../../runtime/random.ts'
import { type Fields, fieldsOf, omit } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'

const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** A name in the manner of `names.SimpleNameGenerator`: the base cut to 58 characters, then five more. */
export function generateName(base: string, random: Random): string {
  let suffix = ''
  for (let index = 0; index < 5; index++) {
    suffix += NAME_ALPHABET[Math.floor(random.next() * NAME_ALPHABET.length)]
  }
  return base.slice(0, 58) + suffix
}

/** What the server itself sets on an object that is about to be made. */
export function prepareCreate(
  resource: ServedResource,
  object: KubeObject,
  now: Instant,
  random: Random,
): KubeObject {
  const { name, generateName: base, namespace, labels, annotations, finalizers } = object.metadata
  const { ownerReferences, managedFields } = object.metadata
  const metadata: ObjectMeta = {
    name: name === '' && typeof base === 'string' ? generateName(base, random) : name,
    ...(base === undefined ? {} : { generateName: base }),
    ...(resource.namespaced ? { namespace } : {}),
    uid: random.uuid(),
    creationTimestamp: formatInstant(now),
    ...(resource.tracksGeneration ? { generation: 1 } : {}),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(finalizers ? { finalizers } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
    ...(managedFields ? { managedFields } : {}),
  }
  // Nodes register themselves with their status (pkg/registry/core/node/strategy.go keeps it).
  const keepsStatus = !resource.statusSubresource || resource.plural === 'nodes'
  const created: KubeObject = { ...(keepsStatus ? object : omit(object, 'status')), metadata }
  return resource.custom ? created : withBuiltinDefaults(resource, created)
}

function withBuiltinDefaults(resource: ServedResource, object: KubeObject): KubeObject {
  switch (resource.storageKey) {
    case '/namespaces':
      return {
        ...object,
        metadata: {
          ...object.metadata,
          labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name },
        },
        spec: { ...fieldsOf(object.spec), finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      }
    case '/pods':
      return { ...object, status: { phase: 'Pending' } }
    case '/secrets':
      return withSecretData({ ...object, type: object.type || 'Opaque' })
    default:
      return object
  }
}

/** `stringData` is write-only: the server folds it into `data`. */
function withSecretData(secret: KubeObject): KubeObject {
  const plain = fieldsOf(secret.stringData)
  if (Object.keys(plain).length === 0) return { ...omit(secret, 'stringData'), metadata: secret.metadata }
  const encoded: Fields = Object.fromEntries(
    Object.entries(plain).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]),
  )
  return {
    ...omit(secret, 'stringData'),
    metadata: secret.metadata,
    data: { ...fieldsOf(secret.data), ...encoded },
  }
}

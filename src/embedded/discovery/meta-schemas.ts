import type { Fields } from '../json.ts'

const PREFIX = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const reference = (name: string) => `#/components/schemas/${PREFIX}.${name}`

export const OBJECT_META_REF: string = reference('ObjectMeta')

const text = (description: string): Fields => ({ type: 'string', description })
const time = (description: string): Fields => ({ type: 'string', format: 'date-time', description })
const map = (description: string): Fields => ({
  type: 'object',
  additionalProperties: { type: 'string' },
  description,
})

/** What `kubectl explain KIND.metadata` shows. */
export const META_SCHEMAS: Fields = {
  [`${PREFIX}.ObjectMeta`]: {
    type: 'object',
    description: 'ObjectMeta is metadata that all persisted resources must have.',
    properties: {
      name: text('Name must be unique within a namespace.'),
      generateName: text('A prefix for a name that the server makes.'),
      namespace: text('The space within which each name must be unique.'),
      uid: text('Unique in time and space.'),
      resourceVersion: text('An opaque value: changes with every change of the object.'),
      generation: {
        type: 'integer',
        format: 'int64',
        description: 'Counts the changes of the desired state.',
      },
      creationTimestamp: time('When the object was created.'),
      deletionTimestamp: time('When the deletion was asked for.'),
      deletionGracePeriodSeconds: { type: 'integer', format: 'int64', description: 'Time to terminate.' },
      labels: map('To organize and select objects.'),
      annotations: map('Arbitrary metadata.'),
      finalizers: {
        type: 'array',
        items: { type: 'string' },
        description: 'Must be empty before the object goes.',
      },
      ownerReferences: {
        type: 'array',
        items: { allOf: [{ $ref: reference('OwnerReference') }] },
        description: 'Objects that this object depends on.',
      },
    },
  },
  [`${PREFIX}.OwnerReference`]: {
    type: 'object',
    description: 'Identifies an owning object.',
    required: ['apiVersion', 'kind', 'name', 'uid'],
    properties: {
      apiVersion: text('API version of the owner.'),
      kind: text('Kind of the owner.'),
      name: text('Name of the owner.'),
      uid: text('UID of the owner.'),
      controller: { type: 'boolean', description: 'True for the managing controller.' },
      blockOwnerDeletion: {
        type: 'boolean',
        description: 'Whether a foreground deletion of the owner waits for this object.',
      },
    },
  },
}

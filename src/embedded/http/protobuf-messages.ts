export type FieldType =
  | 'string'
  | 'bytes'
  | 'boolean'
  | 'integer'
  | 'time'
  | 'strings'
  | 'string-map'
  | 'bytes-map'
  | { message: Message; repeated?: boolean }

/** Field number → what it is; a number that is not here is skipped. */
export type Message = Readonly<Record<number, { name: string; type: FieldType }>>

const field = (name: string, type: FieldType = 'string') => ({ name, type })

/** runtime.Unknown, which every body is wrapped in (apimachinery/pkg/runtime/generated.proto). */
export const ENVELOPE: Message = {
  1: field('typeMeta', { message: { 1: field('apiVersion'), 2: field('kind') } }),
  2: field('raw', 'bytes'),
}

const OWNER_REFERENCE: Message = {
  1: field('kind'),
  3: field('name'),
  4: field('uid'),
  5: field('apiVersion'),
  6: field('controller', 'boolean'),
  7: field('blockOwnerDeletion', 'boolean'),
}

/** apimachinery/pkg/apis/meta/v1/generated.proto */
const METADATA: Message = {
  1: field('name'),
  2: field('generateName'),
  3: field('namespace'),
  5: field('uid'),
  6: field('resourceVersion'),
  7: field('generation', 'integer'),
  8: field('creationTimestamp', 'time'),
  9: field('deletionTimestamp', 'time'),
  10: field('deletionGracePeriodSeconds', 'integer'),
  11: field('labels', 'string-map'),
  12: field('annotations', 'string-map'),
  13: field('ownerReferences', { message: OWNER_REFERENCE, repeated: true }),
  14: field('finalizers', 'strings'),
}

const metadata = field('metadata', { message: METADATA })

const RESOURCE_ATTRIBUTES: Message = {
  1: field('namespace'),
  2: field('verb'),
  3: field('group'),
  4: field('version'),
  5: field('resource'),
  6: field('subresource'),
  7: field('name'),
}

/** By kind (k8s.io/api/…/generated.proto). */
export const MESSAGES: Readonly<Record<string, Message | undefined>> = {
  Namespace: { 1: metadata },
  ServiceAccount: { 1: metadata },
  ConfigMap: {
    1: metadata,
    2: field('data', 'string-map'),
    3: field('binaryData', 'bytes-map'),
    4: field('immutable', 'boolean'),
  },
  Secret: {
    1: metadata,
    2: field('data', 'bytes-map'),
    3: field('type'),
    4: field('stringData', 'string-map'),
    5: field('immutable', 'boolean'),
  },
  SelfSubjectAccessReview: {
    1: metadata,
    2: field('spec', {
      message: {
        1: field('resourceAttributes', { message: RESOURCE_ATTRIBUTES }),
        2: field('nonResourceAttributes', { message: { 1: field('path'), 2: field('verb') } }),
      },
    }),
  },
  SelfSubjectRulesReview: { 1: metadata, 2: field('spec', { message: { 1: field('namespace') } }) },
  SelfSubjectReview: { 1: metadata },
  DeleteOptions: {
    1: field('gracePeriodSeconds', 'integer'),
    2: field('preconditions', { message: { 1: field('uid'), 2: field('resourceVersion') } }),
    3: field('orphanDependents', 'boolean'),
    4: field('propagationPolicy'),
    5: field('dryRun', 'strings'),
  },
}

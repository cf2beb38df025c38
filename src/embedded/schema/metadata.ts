import * as z from 'zod'
import type { ObjectMeta } from '../../api/object.ts'
import { ownerReferenceSchema } from '../../api/object.ts'
import type { Resource } from '../../api/resource.ts'
import { type Fields, fieldsOf, isFields } from '../json.ts'
import { badRequest, type StatusCause } from '../status.ts'
import { forbiddenValue, invalidValue, requiredValue } from './causes.ts'

const text = z.string().optional()
const texts = z.record(z.string(), z.string()).optional()

/** The fields of metav1.ObjectMeta; others are dropped. Names and rules are checked in `metadataCauses`. */
const metadataSchema = z.object({
  name: z.string().default(''),
  generateName: text,
  namespace: text,
  selfLink: text,
  uid: text,
  resourceVersion: text,
  generation: z.int().optional(),
  creationTimestamp: text,
  deletionTimestamp: text,
  deletionGracePeriodSeconds: z.int().optional(),
  labels: texts,
  annotations: texts,
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(ownerReferenceSchema).optional(),
  managedFields: z.array(z.looseObject({})).optional(),
})

/** @throws ApiError 400 for a value of a wrong type */
export function decodeMetadata(value: unknown): { metadata: ObjectMeta; unknownFields: string[] } {
  const given = withoutNulls(fieldsOf(value))
  const parsed = metadataSchema.safeParse(given)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const path = ['metadata', ...(issue?.path ?? [])].join('.')
    throw badRequest(
      `json: cannot unmarshal into Go struct field ObjectMeta.${path}: ${issue?.message ?? ''}`,
    )
  }
  const unknownFields = Object.keys(given)
    .filter((name) => !Object.hasOwn(metadataSchema.shape, name))
    .map((name) => `metadata.${name}`)
  return { metadata: withoutEmpty(parsed.data), unknownFields }
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  )
}

/** Go leaves empty lists, maps and strings out (`omitempty`): an empty field and a missing one are one thing. */
export function withoutEmpty(metadata: ObjectMeta): ObjectMeta {
  const kept = Object.entries(metadata).filter(([name, value]) => {
    if (name === 'name') return true
    if (value === undefined || value === '') return false
    return isFields(value) || Array.isArray(value) ? Object.keys(value).length > 0 : true
  })
  return { ...Object.fromEntries(kept), name: metadata.name }
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const ANNOTATIONS_LIMIT = 256 * 1024

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const QUALIFIED_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

/** What is wrong with an object's metadata (apimachinery/pkg/api/validation/objectmeta.go). */
export function metadataCauses(resource: Resource, metadata: ObjectMeta): StatusCause[] {
  return [
    ...nameCauses(resource, metadata),
    ...labelCauses(metadata.labels ?? {}),
    ...annotationCauses(metadata.annotations ?? {}),
    ...finalizerCauses(metadata.finalizers ?? []),
    ...ownerCauses(metadata),
  ]
}

function nameCauses(resource: Resource, { name, namespace }: ObjectMeta): StatusCause[] {
  const causes: StatusCause[] = []
  if (name === '') {
    causes.push(requiredValue('metadata.name', 'name or generateName is required'))
  } else if (resource.plural === 'namespaces' && resource.group === '') {
    causes.push(...ruleCauses(name, 63, LABEL, LABEL_RULE))
  } else {
    causes.push(...ruleCauses(name, 253, SUBDOMAIN, SUBDOMAIN_RULE))
  }
  if (resource.namespaced && !namespace) causes.push(requiredValue('metadata.namespace'))
  if (!resource.namespaced && namespace) {
    causes.push(forbiddenValue('metadata.namespace', 'not allowed on this type'))
  }
  return causes
}

function ruleCauses(name: string, longest: number, pattern: RegExp, rule: string): StatusCause[] {
  const causes: StatusCause[] = []
  if (name.length > longest) {
    causes.push(invalidValue('metadata.name', name, `must be no more than ${longest} characters`))
  }
  if (!pattern.test(name)) causes.push(invalidValue('metadata.name', name, rule))
  return causes
}

function isQualifiedName(name: string): boolean {
  const slash = name.indexOf('/')
  const [prefix, local] = slash < 0 ? [undefined, name] : [name.slice(0, slash), name.slice(slash + 1)]
  if (prefix !== undefined && (prefix.length > 253 || !SUBDOMAIN.test(prefix))) return false
  return local.length <= 63 && QUALIFIED_NAME.test(local)
}

function labelCauses(labels: Record<string, string>): StatusCause[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const causes: StatusCause[] = []
    if (!isQualifiedName(key)) causes.push(invalidValue('metadata.labels', key, QUALIFIED_RULE))
    if (value.length > 63) {
      causes.push(invalidValue('metadata.labels', value, 'must be no more than 63 bytes'))
    } else if (value !== '' && !QUALIFIED_NAME.test(value)) {
      causes.push(invalidValue('metadata.labels', value, LABEL_VALUE_RULE))
    }
    return causes
  })
}

function annotationCauses(annotations: Record<string, string>): StatusCause[] {
  const causes = Object.keys(annotations)
    .filter((key) => !isQualifiedName(key.toLowerCase()))
    .map((key) => invalidValue('metadata.annotations', key, QUALIFIED_RULE))
  const bytes = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  if (bytes > ANNOTATIONS_LIMIT) {
    causes.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes`,
      field: 'metadata.annotations',
    })
  }
  return causes
}

function finalizerCauses(finalizers: string[]): StatusCause[] {
  return finalizers
    .filter((finalizer) => !isQualifiedName(finalizer))
    .map((finalizer) => invalidValue('metadata.finalizers', finalizer, QUALIFIED_RULE))
}

function ownerCauses(metadata: ObjectMeta): StatusCause[] {
  const owners = metadata.ownerReferences ?? []
  const causes = owners.flatMap((owner, index) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((field) => owner[field] === '')
      .map((field) => requiredValue(`metadata.ownerReferences[${index}].${field}`, 'must not be empty')),
  )
  const controllers = owners.filter((owner) => owner.controller === true)
  if (controllers.length > 1) {
    causes.push(
      invalidValue('metadata.ownerReferences', owners, 'Only one reference can have Controller set to true'),
    )
  }
  return causes
}

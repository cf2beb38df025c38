import type { KubeObject } from '../../api/object.ts'
import { formatInstant, type Instant } from '../../api/values/time.ts'
import { type Fields, fieldsOf, listOf, sameJson, textsOf, valueAt } from '../json.ts'
import { invalidValue, requiredValue } from '../schema/causes.ts'
import { invalid } from '../status.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from './builtin.ts'
import { type DefinitionSpec, definitionSpecSchema, resourcesOf } from './custom.ts'

/** Keeps a definition until the objects of its kind are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

/**
 * A CustomResourceDefinition as it is stored: defaults filled in, its names accepted, established.
 * @throws ApiError 422
 */
export function prepareDefinition(
  definition: KubeObject,
  current: KubeObject | undefined,
  now: Instant,
): KubeObject {
  const spec = readSpec(definition)
  const { names } = spec
  const singular = names.singular ?? names.kind.toLowerCase()
  const acceptedNames = { ...names, singular, listKind: names.listKind ?? `${names.kind}List` }
  const storedVersion = spec.versions.find((version) => version.storage)?.name ?? ''
  const before = textsOf(valueAt(current, 'status', 'storedVersions'))
  const defaulted = { conversion: { strategy: 'None' }, ...fieldsOf(definition.spec), names: acceptedNames }
  const generation = current?.metadata.generation ?? 0
  return {
    ...definition,
    metadata: current
      ? {
          ...definition.metadata,
          // Counted again: what was sent may lack no more than the defaults.
          generation: sameJson(defaulted, current.spec) ? generation : generation + 1,
        }
      : {
          ...definition.metadata,
          finalizers: [...(definition.metadata.finalizers ?? []), CLEANUP_FINALIZER],
        },
    spec: defaulted,
    status: {
      conditions: conditionsOf(current, now),
      acceptedNames,
      storedVersions: [...new Set([...before, storedVersion])],
    },
  }
}

/** @throws ApiError 422 */
export function readSpec(definition: KubeObject): DefinitionSpec {
  const { name } = definition.metadata
  const refuse = (field: string, value: unknown, why: string) =>
    invalid(CUSTOM_RESOURCE_DEFINITIONS, name, [invalidValue(field, value, why)])
  const parsed = definitionSpecSchema.safeParse(definition.spec)
  if (!parsed.success) {
    const causes = parsed.error.issues.slice(0, 20).map((issue) => {
      const field = ['spec', ...issue.path].join('.')
      const value = valueAt(definition, 'spec', ...issue.path.map(String))
      return value === undefined ? requiredValue(field) : invalidValue(field, value, issue.message)
    })
    throw invalid(CUSTOM_RESOURCE_DEFINITIONS, name, causes)
  }
  const spec = parsed.data
  const expected = `${spec.names.plural}.${spec.group}`
  if (name !== expected) {
    throw refuse('metadata.name', name, 'must be spec.names.plural+"."+spec.group')
  }
  if (spec.versions.filter((version) => version.storage).length !== 1) {
    throw refuse(
      'spec.versions',
      spec.versions.length,
      'must have exactly one version marked as storage version',
    )
  }
  try {
    resourcesOf(spec)
  } catch (cause) {
    throw refuse('spec.versions', '', cause instanceof Error ? cause.message : String(cause))
  }
  return spec
}

function conditionsOf(current: KubeObject | undefined, now: Instant): unknown[] {
  const existing = listOf(valueAt(current, 'status', 'conditions'))
  if (existing.length > 0) return existing
  const condition = (type: string, reason: string, message: string): Fields => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: formatInstant(now),
  })
  return [
    condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
  ]
}

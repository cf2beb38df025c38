import * as z from 'zod'
import type { KubeObject } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource.ts'
import { formatInstant, type Instant } from '../../api/values/time.ts'
import type { Subresource } from '../../kube/store.ts'
import { type Fields, fieldsOf, isFields, omit, sameJson } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { requiredValue } from '../schema/causes.ts'
import { ApiError, badRequest, invalid } from '../status.ts'
import {
  childShape,
  type FieldSet,
  fieldSetOf,
  isGranularMap,
  isLeaf,
  itemKey,
  itemShape,
  listKind,
  locate,
  replacing,
  type Shape,
  without,
} from './field-set.ts'

export interface ApplyOptions {
  fieldManager: string
  force: boolean
  now: Instant
  subresource?: Subresource | undefined
}

const fieldSetSchema: z.ZodType<FieldSet> = z.lazy(() => z.record(z.string(), fieldSetSchema))

const entrySchema = z.looseObject({
  manager: z.string(),
  operation: z.string(),
  subresource: z.string().optional(),
  fieldsV1: fieldSetSchema,
})
type Entry = z.infer<typeof entrySchema>

const PATCH_OPTIONS = { group: 'meta.k8s.io', kind: 'PatchOptions' }

/**
 * Server-side apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/), simplified in one
 * way: only appliers own fields. What was written with PUT or another kind of patch has no owner, so an
 * apply takes it over without a conflict. Between appliers the rules are the real ones: fields that a
 * manager leaves out of its next configuration go, unless another applier has them too, and setting
 * another applier's field to another value is a conflict unless forced.
 * @throws ApiError 400, 409, 422
 */
export function applyConfiguration(
  resource: ServedResource,
  current: KubeObject | undefined,
  configuration: Fields,
  options: ApplyOptions,
): unknown {
  if (options.fieldManager === '') {
    const cause = requiredValue('fieldManager', 'is required for apply patch')
    throw invalid(PATCH_OPTIONS, '', [cause])
  }
  const metadata = fieldsOf(configuration.metadata)
  if (Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0) {
    throw badRequest('metadata.managedFields must be nil')
  }
  const shape: Shape = { schema: resource.schema, field: '', parent: '', builtin: !resource.custom }
  const wanted = ownable(configuration)
  const set = fieldSetOf(wanted, shape)
  const entries = readEntries(current)
  const isMine = (entry: Entry) =>
    entry.operation === 'Apply' &&
    entry.manager === options.fieldManager &&
    (entry.subresource ?? '') === (options.subresource ?? '')
  const mine = entries.find(isMine)?.fieldsV1 ?? {}
  let others = entries.filter((entry) => !isMine(entry))
  const conflicts = others.flatMap((entry) =>
    conflictingPaths(set, entry.fieldsV1, current, wanted, shape).map((path) => ({
      path,
      manager: entry.manager,
    })),
  )
  if (conflicts.length > 0 && !options.force) throw applyConflict(conflicts)
  if (conflicts.length > 0) {
    others = others
      .map((entry) => ({ ...entry, fieldsV1: takenOver(entry.fieldsV1, set, current, wanted) }))
      .filter((entry) => Object.keys(entry.fieldsV1).length > 0)
  }
  const kept = dropped(
    current ?? {},
    mine,
    set,
    others.map((entry) => entry.fieldsV1),
  )
  const merged = fieldsOf(merge(kept, configuration, shape))
  const entry = {
    manager: options.fieldManager,
    operation: 'Apply',
    ...(options.subresource ? { subresource: options.subresource } : {}),
    apiVersion: apiVersionOf(resource),
    time: formatInstant(options.now),
    fieldsType: 'FieldsV1',
    fieldsV1: set,
  }
  return { ...merged, metadata: { ...fieldsOf(merged.metadata), managedFields: [...others, entry] } }
}

/** What of a configuration can have an owner: not what identifies the object. */
function ownable(configuration: Fields): Fields {
  const metadata = omit(fieldsOf(configuration.metadata), 'name', 'namespace', 'uid', 'resourceVersion')
  const kept = omit(metadata, 'creationTimestamp', 'generation', 'managedFields')
  const rest = omit(configuration, 'apiVersion', 'kind', 'metadata')
  return Object.keys(kept).length > 0 ? { metadata: kept, ...rest } : rest
}

function readEntries(current: KubeObject | undefined): Entry[] {
  const parsed = z.array(entrySchema).safeParse(current?.metadata.managedFields ?? [])
  return parsed.success ? parsed.data.filter((entry) => entry.operation === 'Apply') : []
}

/** Leaves that both set, where the configuration wants another value than there is. */
function conflictingPaths(
  set: FieldSet,
  owned: FieldSet,
  current: unknown,
  wanted: unknown,
  shape: Shape,
  path = '',
): string[] {
  return Object.keys(set).flatMap((element) => {
    const [inner, theirs] = [set[element], owned[element]]
    if (!inner || !theirs || element === '.') return []
    const [before, after] = [locate(current, element), locate(wanted, element)]
    const here = path + printElement(element)
    // An empty map sets none of the fields that may stand in it.
    const child = element.startsWith('f:') ? childShape(shape, element.slice(2)) : itemShape(shape)
    if (isGranularMap(after, child) && Object.keys(after).length === 0) return []
    if (isLeaf(inner) || isLeaf(theirs)) return sameJson(before, after) ? [] : [here]
    return conflictingPaths(inner, theirs, before, after, child, here)
  })
}

/** What is left to another manager of its fields after a forced apply. */
function takenOver(owned: FieldSet, set: FieldSet, current: unknown, wanted: unknown): FieldSet {
  const left: FieldSet = {}
  for (const [element, theirs] of Object.entries(owned)) {
    const inner = set[element]
    const [before, after] = [locate(current, element), locate(wanted, element)]
    if (!inner || element === '.') left[element] = theirs
    else if (isLeaf(inner) || isLeaf(theirs)) {
      if (sameJson(before, after)) left[element] = theirs
    } else left[element] = takenOver(theirs, inner, before, after)
  }
  return left
}

/** `value` without what was ours, is not wanted any more, and is nobody else's. */
function dropped(value: unknown, mine: FieldSet, set: FieldSet, others: FieldSet[]): unknown {
  let result = value
  for (const [element, ours] of Object.entries(mine)) {
    if (element === '.') continue
    const still = set[element]
    const theirs = others.map((other) => other[element]).filter((other) => other !== undefined)
    const inner = locate(result, element)
    const goes = !still && theirs.length === 0
    if (goes && (isLeaf(ours) || !isFields(inner) || element.startsWith('k:'))) {
      result = without(result, element)
    } else if (!isLeaf(ours) && inner !== undefined) {
      const rest = dropped(inner, ours, still ?? {}, theirs)
      const empty = isFields(rest) && Object.keys(rest).length === 0
      result = goes && empty ? without(result, element) : replacing(result, element, rest)
    }
  }
  return result
}

function merge(current: unknown, configuration: unknown, shape: Shape): unknown {
  if (isGranularMap(configuration, shape) && isFields(current)) {
    const result: Fields = { ...current }
    for (const [name, value] of Object.entries(configuration)) {
      if (value === null) delete result[name]
      else result[name] = merge(current[name], value, childShape(shape, name))
    }
    return result
  }
  if (!Array.isArray(configuration) || !Array.isArray(current)) return configuration
  const kind = listKind(shape)
  if (kind.type === 'atomic') return configuration
  const elementOf = (item: unknown) =>
    kind.type === 'set' ? `v:${JSON.stringify(item)}` : itemKey(item, kind.keys)
  const result = [...current]
  for (const item of configuration) {
    const index = result.findIndex((candidate) => elementOf(candidate) === elementOf(item))
    if (index < 0) result.push(item)
    else result[index] = merge(result[index], item, itemShape(shape))
  }
  return result
}

function printElement(element: string): string {
  if (element.startsWith('f:')) return `.${element.slice(2)}`
  if (element.startsWith('v:')) return `[=${element.slice(2)}]`
  const keys = Object.entries(fieldsOf(JSON.parse(element.slice(2))))
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
}

function applyConflict(conflicts: { path: string; manager: string }[]): ApiError {
  const causes = conflicts.map(({ path, manager }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${manager}"`,
    field: path,
  }))
  const lines = conflicts.map(({ path, manager }) => `conflict with "${manager}": ${path}`)
  const message =
    lines.length === 1
      ? `Apply failed with 1 conflict: ${lines[0]}`
      : `Apply failed with ${lines.length} conflicts:\n- ${lines.join('\n- ')}`
  return new ApiError(409, 'Conflict', message, { causes })
}

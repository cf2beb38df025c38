import { clone, type Fields, isFields, listOf, sameJson } from '../json.ts'
import { badRequest } from '../status.ts'
import { MERGED_SETS, mergeKeyOf } from './merge-keys.ts'

/**
 * Strategic merge patch with its directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…` and
 * `$setElementOrder/…` (the last one only orders items that the patch names).
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 * @throws ApiError 400
 */
export function applyStrategicMergePatch(target: unknown, patch: Fields, parent = ''): Fields | undefined {
  if (patch.$patch === 'delete') return undefined
  const additions = clone(withoutDirectives(patch))
  if (patch.$patch === 'replace') return additions
  if (patch.$patch !== undefined && patch.$patch !== 'merge')
    throw badRequest(`unknown $patch: ${patch.$patch}`)
  const result: Fields = isFields(target) ? { ...target } : {}
  if (Array.isArray(patch.$retainKeys)) {
    for (const name of Object.keys(result)) if (!patch.$retainKeys.includes(name)) delete result[name]
  }
  for (const [directive, values] of Object.entries(patch)) {
    const list = directive.startsWith('$deleteFromPrimitiveList/') ? directive.split('/')[1] : undefined
    if (list) result[list] = listOf(result[list]).filter((item) => !listOf(values).includes(item))
  }
  for (const [name, value] of Object.entries(additions)) {
    if (value === null) delete result[name]
    else if (isFields(value)) setOrDelete(result, name, applyStrategicMergePatch(result[name], value, name))
    else if (Array.isArray(value)) {
      result[name] = mergeList(name, parent, listOf(result[name]), value, patch[`$setElementOrder/${name}`])
    } else result[name] = value
  }
  return result
}

function setOrDelete(result: Fields, name: string, value: unknown): void {
  if (value === undefined) delete result[name]
  else result[name] = value
}

function withoutDirectives(patch: Fields): Fields {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')))
}

function mergeList(
  name: string,
  parent: string,
  current: unknown[],
  patch: unknown[],
  order: unknown,
): unknown[] {
  if (MERGED_SETS.includes(name)) return [...new Set([...current, ...patch])]
  const key = mergeKeyOf(name, parent)
  if (key === undefined || !patch.every(isFields)) return patch
  if (patch.some((item) => item.$patch === 'replace')) {
    return patch.filter((item) => item.$patch === undefined)
  }
  let result = [...current]
  for (const item of patch) {
    const index = result.findIndex((candidate) => isFields(candidate) && sameJson(candidate[key], item[key]))
    const merged = applyStrategicMergePatch(index < 0 ? {} : result[index], item, name)
    if (merged === undefined) result = result.filter((_, position) => position !== index)
    else if (index < 0) result.push(merged)
    else result[index] = merged
  }
  return Array.isArray(order) ? inOrder(result, key, order) : result
}

function inOrder(items: unknown[], key: string, order: unknown[]): unknown[] {
  const position = (item: unknown) =>
    order.findIndex((entry) => isFields(entry) && isFields(item) && sameJson(entry[key], item[key]))
  const named = items.filter((item) => position(item) >= 0).sort((a, b) => position(a) - position(b))
  return [...named, ...items.filter((item) => position(item) < 0)]
}

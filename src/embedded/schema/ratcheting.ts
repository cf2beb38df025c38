import { isFields, sameJson } from '../json.ts'

/**
 * True when the value at `instancePath` (a JSON pointer), or something that holds it, is the same in `old`: a definition
 * that became stricter lets the objects that break it be changed elsewhere
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting).
 * The items of a list are not matched with those of the old one: a list counts as a whole.
 */
export function isUnchanged(instancePath: string, object: unknown, old: unknown): boolean {
  let [now, before] = [object, old]
  for (const token of instancePath.split('/').slice(1)) {
    if (before !== undefined && sameJson(now, before)) return true
    if (!isFields(now) || !isFields(before)) return false
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!Object.hasOwn(before, name)) return false
    now = now[name]
    before = before[name]
  }
  return before !== undefined && sameJson(now, before)
}

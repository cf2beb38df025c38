import type { KubeObject } from '../../api/object.ts'
import type { Instant } from '../../api/values/time.ts'
import type { Subresource } from '../../kube/store.ts'
import { isFields } from '../json.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { badRequest, unsupportedMediaType } from '../status.ts'
import { applyConfiguration } from './apply.ts'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'
import { applyStrategicMergePatch } from './strategic-merge-patch.ts'

export type PatchRequest =
  | { type: 'json' | 'merge' | 'strategic'; body: unknown }
  | { type: 'apply'; body: unknown; fieldManager: string; force: boolean }

export const PATCH_TYPES: Readonly<Record<string, PatchRequest['type']>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
}

/**
 * `current` with the patch on it, not yet checked. Only `apply` does without a current object.
 * @throws ApiError 400, 409, 415, 422
 */
export function applyPatchTo(
  resource: ServedResource,
  current: KubeObject | undefined,
  patch: PatchRequest,
  now: Instant,
  subresource?: Subresource,
): unknown {
  switch (patch.type) {
    case 'json':
      return applyJsonPatch(current, patch.body)
    case 'merge':
      return applyMergePatch(current, requireObject(patch.body))
    case 'strategic':
      // As in the API server: only kinds that are compiled in have merge keys.
      if (resource.custom) {
        throw unsupportedMediaType(
          Object.keys(PATCH_TYPES).filter((type) => PATCH_TYPES[type] !== 'strategic'),
        )
      }
      return applyStrategicMergePatch(current, requireObject(patch.body))
    case 'apply':
      return applyConfiguration(resource, current, requireObject(patch.body), { ...patch, now, subresource })
  }
}

function requireObject(body: unknown): Record<string, unknown> {
  if (isFields(body)) return body
  throw badRequest(
    'error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}',
  )
}

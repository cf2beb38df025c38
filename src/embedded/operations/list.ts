import * as z from 'zod'
import type { KubeObject } from '../../api/object.ts'
import { present, type ServedResource } from '../resources/served-resource.ts'
import { compileSelection, type Selection } from '../selectors/selection.ts'
import { badRequest, expired, tooLargeResourceVersion } from '../status.ts'
import type { Storage } from '../storage/storage.ts'
import { objectId } from '../storage/stored-change.ts'
import { parseRevision } from '../watch/watch-hub.ts'

export interface ListQuery extends Selection {
  limit?: number | undefined
  continue?: string | undefined
  resourceVersion?: string | undefined
  resourceVersionMatch?: string | undefined
}

export interface ListPage {
  items: KubeObject[]
  resourceVersion: string
  continue?: string
  remainingItemCount?: number
}

const continueSchema = z.object({ revision: z.int().min(0), after: z.string() })

const CONTINUE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.'

/** One page of a list. Further pages show the state of the first one, whatever was written since. */
export function listObjects(storage: Storage, resource: ServedResource, query: ListQuery): ListPage {
  const selects = compileSelection(resource, query)
  const token = query.continue ? parseContinue(query.continue) : undefined
  const wanted = parseRevision(query.resourceVersion)
  if (wanted > storage.committedRevision) throw tooLargeResourceVersion(wanted, storage.committedRevision)
  const exact = query.resourceVersionMatch === 'Exact' && wanted > 0 ? wanted : undefined
  const revision = token?.revision ?? exact ?? storage.committedRevision
  const matching: [id: string, object: KubeObject][] = []
  for (const [id, object] of entriesAt(storage, resource.storageKey, revision)) {
    if (token && id <= token.after) continue
    if (selects(object)) matching.push([id, object])
  }
  const limit = query.limit ?? 0
  const page = limit > 0 ? matching.slice(0, limit) : matching
  const last = page.at(-1)
  const remaining = matching.length - page.length
  return {
    items: page.map(([, object]) => present(resource, object)),
    resourceVersion: String(revision),
    ...(remaining > 0 && last ? { continue: formatContinue(revision, last[0]) } : {}),
    // The API server counts only when no selector is in the way.
    ...(remaining > 0 && !query.labelSelector && !query.fieldSelector
      ? { remainingItemCount: remaining }
      : {}),
  }
}

/** The objects as they were at a revision: today's, with the changes since then undone. */
function entriesAt(
  storage: Storage,
  storageKey: string,
  revision: number,
): Iterable<[id: string, object: KubeObject]> {
  if (revision >= storage.committedRevision) return storage.entries(storageKey)
  const changes = storage.history(storageKey).after(revision)
  if (!changes) throw expired(CONTINUE_EXPIRED)
  const objects = new Map(storage.entries(storageKey))
  for (const change of [...changes].reverse()) {
    const id = objectId(change.namespace, change.name)
    if (change.previous) objects.set(id, change.previous)
    else objects.delete(id)
  }
  return [...objects].sort(([a], [b]) => (a < b ? -1 : 1))
}

function formatContinue(revision: number, after: string): string {
  return Buffer.from(JSON.stringify({ revision, after })).toString('base64url')
}

function parseContinue(token: string): z.infer<typeof continueSchema> {
  try {
    return continueSchema.parse(JSON.parse(Buffer.from(token, 'base64url').toString()))
  } catch (cause) {
    throw badRequest(
      `continue key is not valid: ${cause instanceof SyntaxError ? cause.message : 'unknown form'}`,
    )
  }
}

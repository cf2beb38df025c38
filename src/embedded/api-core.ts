import type { KubeObject } from '../api/object.ts'
import type { Subresource } from '../kube/store.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { Admission } from './admission.ts'
import { prepareCreate } from './operations/create.ts'
import { type Deletion, prepareDelete } from './operations/delete.ts'
import { type ListPage, type ListQuery, listObjects } from './operations/list.ts'
import { prepareUpdate } from './operations/update.ts'
import { applyPatchTo, type PatchRequest } from './patch/patch.ts'
import { NAMESPACES } from './resources/builtin.ts'
import type { Registry } from './resources/registry.ts'
import { present, type ServedResource } from './resources/served-resource.ts'
import { invalidValue } from './schema/causes.ts'
import { decodeObject, type FieldValidation } from './schema/decode.ts'
import { withoutEmpty } from './schema/metadata.ts'
import { judgeUnknownFields } from './schema/unknown-fields.ts'
import { ApiError, alreadyExists, badRequest, forbidden, invalid, notFound } from './status.ts'
import type { Storage } from './storage/storage.ts'
import { type RunningWatch, WatchHub, type WatchQuery } from './watch/watch-hub.ts'
import type { WatchSink } from './watch/watch-sink.ts'
import { Writer, type Written } from './writer.ts'

export interface WriteOptions {
  dryRun?: boolean
  fieldValidation?: FieldValidation
  subresource?: Subresource | undefined
}

/** As in the API server: these can be emptied but not deleted. */
const UNDELETABLE = ['default', 'kube-system', 'kube-public']

/** The verbs of the Kubernetes API, without HTTP. Objects that come out are shared: copy before changing. */
export class ApiCore {
  readonly #writer: Writer
  readonly #watches: WatchHub

  constructor(
    readonly registry: Registry,
    readonly storage: Storage,
    readonly clock: Clock,
    private readonly random: Random,
    admit?: Admission,
  ) {
    this.#writer = new Writer(storage, () => clock.now(), admit)
    this.#watches = new WatchHub(storage, clock)
  }

  /** @throws ApiError 404 */
  get(resource: ServedResource, namespace: string, name: string): KubeObject {
    const stored = this.storage.committed(resource.storageKey, namespace, name)
    if (!stored) throw notFound(resource, name)
    return present(resource, stored)
  }

  list(resource: ServedResource, query: ListQuery): ListPage {
    return listObjects(this.storage, resource, query)
  }

  watch(resource: ServedResource, query: WatchQuery, sink: WatchSink): RunningWatch {
    return this.#watches.watch(resource, query, sink)
  }

  async create(
    resource: ServedResource,
    namespace: string,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<Written> {
    const { object, strictErrors } = decodeObject(resource, body)
    const warnings = judgeUnknownFields(resource, strictErrors, options.fieldValidation)
    checkNamespace(object, namespace)
    if (resource.namespaced) object.metadata.namespace = namespace
    const prepared = prepareCreate(resource, object, this.clock.now(), this.random)
    const { name } = prepared.metadata
    const written = await this.#writer.write(
      resource,
      { namespace, name },
      options.dryRun === true,
      (current) => {
        if (current) throw alreadyExists(resource, name, current.metadata.deletionTimestamp !== undefined)
        if (resource.namespaced) this.#requireNamespace(resource, namespace, name)
        return { operation: 'CREATE', next: prepared }
      },
    )
    return { ...written, warnings: [...warnings, ...written.warnings] }
  }

  async update(
    resource: ServedResource,
    namespace: string,
    name: string,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<Written> {
    const { object, strictErrors } = decodeObject(resource, body)
    const warnings = judgeUnknownFields(resource, strictErrors, options.fieldValidation)
    checkName(object, name)
    checkNamespace(object, namespace)
    const { subresource } = options
    const written = await this.#writer.write(
      resource,
      { namespace, name },
      options.dryRun === true,
      (current) => {
        if (!current) throw notFound(resource, name)
        return {
          operation: 'UPDATE',
          next: prepareUpdate(resource, current, object, subresource),
          subresource,
        }
      },
    )
    return { ...written, warnings: [...warnings, ...written.warnings] }
  }

  async patch(
    resource: ServedResource,
    namespace: string,
    name: string,
    patch: PatchRequest,
    options: WriteOptions = {},
  ): Promise<Written> {
    const { subresource } = options
    let warnings: string[] = []
    const written = await this.#writer.write(
      resource,
      { namespace, name },
      options.dryRun === true,
      (current) => {
        if (!current && patch.type !== 'apply') throw notFound(resource, name)
        const patched = applyPatchTo(resource, current, patch, this.clock.now(), subresource)
        const { object, strictErrors } = decodeObject(resource, patched)
        warnings = judgeUnknownFields(
          resource,
          strictErrors,
          options.fieldValidation,
          patch.type === 'apply' ? undefined : patched,
        )
        // Only apply takes the name of the URL.
        if (patch.type === 'apply') object.metadata.name ||= name
        checkName(object, name)
        checkNamespace(object, namespace)
        if (!current) {
          if (subresource) throw notFound(resource, name)
          if (resource.namespaced) this.#requireNamespace(resource, namespace, name)
          if (resource.namespaced) object.metadata.namespace = namespace
          return { operation: 'CREATE', next: prepareCreate(resource, object, this.clock.now(), this.random) }
        }
        checkUid(resource, current, object)
        object.metadata.resourceVersion ??= current.metadata.resourceVersion
        const next = prepareUpdate(resource, current, object, subresource)
        const { managedFields } = object.metadata
        if (subresource && patch.type === 'apply') next.metadata = { ...next.metadata, managedFields }
        return { operation: 'UPDATE', next, subresource }
      },
    )
    return { ...written, warnings: [...warnings, ...written.warnings] }
  }

  async delete(
    resource: ServedResource,
    namespace: string,
    name: string,
    deletion: Deletion = {},
    options: { dryRun?: boolean } = {},
  ): Promise<Written> {
    if (resource.storageKey === NAMESPACES.storageKey && UNDELETABLE.includes(name)) {
      throw forbidden(resource, name, 'this namespace may not be deleted')
    }
    return await this.#writer.write(resource, { namespace, name }, options.dryRun === true, (current) => {
      if (!current) throw notFound(resource, name)
      return { operation: 'DELETE', next: prepareDelete(resource, current, deletion, this.clock.now()) }
    })
  }

  /** @returns what was deleted, or marked for deletion */
  async deleteCollection(
    resource: ServedResource,
    query: ListQuery,
    deletion: Deletion = {},
    options: { dryRun?: boolean } = {},
  ): Promise<ListPage> {
    const page = this.list(resource, query)
    const items = await Promise.all(
      page.items.map(async ({ metadata: { namespace = '', name, uid } }) => {
        try {
          return (
            await this.delete(resource, namespace, name, { ...deletion, preconditions: { uid } }, options)
          ).object
        } catch (error) {
          if (error instanceof ApiError && (error.code === 404 || error.code === 409)) return undefined
          throw error
        }
      }),
    )
    return { ...page, items: items.filter((item) => item !== undefined) }
  }

  /** For the server's own controllers: changes the object of that uid, if it is still there. */
  async modify(
    resource: ServedResource,
    { namespace = '', name, uid }: KubeObject['metadata'],
    change: (current: KubeObject) => KubeObject,
  ): Promise<void> {
    const stored = this.storage.decided(resource.storageKey, namespace, name)
    if (!stored || stored.metadata.uid !== uid) return
    await this.#writer.write(resource, { namespace, name }, false, (current) => {
      if (!current || current.metadata.uid !== uid) throw notFound(resource, name)
      // No admission: as `status`, these are the server's own business.
      const next = change(current)
      return {
        operation: 'UPDATE',
        next: { ...next, metadata: withoutEmpty(next.metadata) },
        subresource: 'status',
      }
    })
  }

  /** Ends the watches of a kind that is served no longer. */
  closeWatches(storageKey?: string): void {
    if (storageKey === undefined) this.#watches.close()
    else this.#watches.closeKind(storageKey)
  }

  #requireNamespace(resource: ServedResource, namespace: string, name: string): void {
    const found = this.storage.decided(NAMESPACES.storageKey, '', namespace)
    if (!found) throw notFound(NAMESPACES, namespace)
    if (found.metadata.deletionTimestamp !== undefined) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`
      throw forbidden(resource, name, why, [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ])
    }
  }
}

function checkName(object: KubeObject, name: string): void {
  if (object.metadata.name === name) return
  if (object.metadata.name === '') {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    )
  }
  throw badRequest(
    `the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`,
  )
}

/** A patch cannot change a uid; only a PUT takes the one that it brings for a precondition. */
function checkUid(resource: ServedResource, current: KubeObject, patched: KubeObject): void {
  const { uid } = patched.metadata
  if (uid === undefined || uid === current.metadata.uid) return
  throw invalid(resource, current.metadata.name, [invalidValue('metadata.uid', uid, 'field is immutable')])
}

function checkNamespace(object: KubeObject, namespace: string): void {
  if (object.metadata.namespace === undefined || object.metadata.namespace === namespace) return
  if (namespace === '') return
  throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

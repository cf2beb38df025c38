import type { KubeObject } from '../api/object.ts'
import type { Instant } from '../api/values/time.ts'
import type { Admission, AdmissionRequest } from './admission.ts'
import { clone } from './json.ts'
import { changesNothing, completesDeletion } from './operations/update.ts'
import { prepareDefinition } from './resources/definition.ts'
import { present, type ServedResource } from './resources/served-resource.ts'
import { decodeObject } from './schema/decode.ts'
import { metadataCauses } from './schema/metadata.ts'
import { ApiError, conflict, deniedByAdmission, invalid } from './status.ts'
import type { Storage } from './storage/storage.ts'

/** What a request wants of an object, worked out on its current state. */
export interface Decision {
  operation: AdmissionRequest['operation']
  /** Undefined: the object goes. */
  next: KubeObject | undefined
  subresource?: 'status' | undefined
}

export interface Written {
  object: KubeObject
  operation: AdmissionRequest['operation']
  /** The object is gone. */
  removed: boolean
  warnings: string[]
}

/** Admission takes time; an object that changes under it more often than this is somebody's tight loop. */
const MAX_ATTEMPTS = 20

/** The one way in which objects change: decide, ask admission, validate, commit. */
export class Writer {
  constructor(
    private readonly storage: Storage,
    private readonly now: () => Instant,
    private readonly admit: Admission | undefined,
  ) {}

  /** @param decide is asked again when the object changes before the decision can be carried out */
  async write(
    resource: ServedResource,
    key: { namespace: string; name: string },
    dryRun: boolean,
    decide: (current: KubeObject | undefined) => Decision,
  ): Promise<Written> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const current = this.storage.decided(resource.storageKey, key.namespace, key.name)
      const shown = current && present(resource, current)
      const decision = decide(shown)
      const warnings: string[] = []
      if (this.admit && decision.subresource === undefined) {
        decision.next = await this.#admitted(this.admit, resource, shown, decision, dryRun, warnings)
        if (this.storage.decided(resource.storageKey, key.namespace, key.name) !== current) continue
      }
      return { ...(await this.#carryOut(resource, current, decision, dryRun)), warnings }
    }
    throw conflict(resource, key.name)
  }

  async #admitted(
    admit: Admission,
    resource: ServedResource,
    current: KubeObject | undefined,
    { operation, next }: Decision,
    dryRun: boolean,
    warnings: string[],
  ): Promise<KubeObject | undefined> {
    const deleting = operation === 'DELETE'
    const answer = await admit({
      operation,
      resource,
      ...(next && !deleting ? { object: clone(next) } : {}),
      ...(current ? { oldObject: clone(current) } : {}),
      dryRun,
    })
    if (!answer.allowed) {
      const name = (next ?? current)?.metadata.name ?? ''
      throw answer.causes ? invalid(resource, name, [...answer.causes]) : deniedByAdmission(answer.message)
    }
    warnings.push(...(answer.warnings ?? []))
    if (!answer.object || deleting || !next) return next
    const { object } = decodeObject(resource, answer.object)
    return { ...object, metadata: { ...object.metadata, name: next.metadata.name } }
  }

  async #carryOut(
    resource: ServedResource,
    current: KubeObject | undefined,
    { operation, next, subresource }: Decision,
    dryRun: boolean,
  ): Promise<Omit<Written, 'warnings'>> {
    if (next && operation !== 'DELETE') next = this.#checked(resource, current, next, subresource)
    const stored = next && (resource.convert ? resource.convert.toStored(next) : next)
    if (current && stored && changesNothing(current, stored)) {
      await this.storage.settled()
      return { object: present(resource, current), operation, removed: false }
    }
    const removed = stored === undefined || (current !== undefined && completesDeletion(stored))
    if (dryRun) {
      const object = stored ?? current
      if (!object) throw new ApiError(500, 'InternalError', 'Internal error occurred: nothing to write')
      return { object: present(resource, object), operation, removed }
    }
    const written = removed
      ? await this.storage.commit(resource.storageKey, stored ?? current, undefined)
      : await this.storage.commit(resource.storageKey, current, stored)
    return { object: present(resource, written), operation, removed }
  }

  /** @throws ApiError 422 */
  #checked(
    resource: ServedResource,
    current: KubeObject | undefined,
    next: KubeObject,
    subresource: 'status' | undefined,
  ): KubeObject {
    const causes = [...metadataCauses(resource, next.metadata), ...resource.validate(next, current)]
    if (causes.length > 0) throw invalid(resource, next.metadata.name, causes)
    const isDefinition = resource.storageKey === 'apiextensions.k8s.io/customresourcedefinitions'
    return isDefinition && subresource === undefined ? prepareDefinition(next, current, this.now()) : next
  }
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KubeObject } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource.ts'
import { seconds } from '../../api/values/time.ts'
import type { ApiCore, WriteOptions } from '../api-core.ts'
import type { Fields } from '../json.ts'
import type { ListPage } from '../operations/list.ts'
import { answerReview } from '../operations/review.ts'
import { PATCH_TYPES, type PatchRequest } from '../patch/patch.ts'
import type { ServedResource } from '../resources/served-resource.ts'
import { badRequest, methodNotAllowed, noSuchResource, success, unsupportedMediaType } from '../status.ts'
import { partialObject, tableOf } from '../table/table.ts'
import type { ServedEvent } from '../watch/watch-sink.ts'
import type { Written } from '../writer.ts'
import { type Representation, representationFor } from './accept.ts'
import { mediaTypeOf, parseJson, parseObjectBody, parseYaml, textOf } from './body.ts'
import {
  checkListParameters,
  DEFAULT_WATCH_TIMEOUT,
  type Parameters,
  parseDeletion,
  parseParameters,
} from './parameters.ts'
import { parseResourcePath, type ResourcePath } from './resource-path.ts'
import { streamWatch } from './watch-stream.ts'

/** One request for a resource, understood as far as its URL and headers go. */
interface Call {
  core: ApiCore
  request: FastifyRequest
  reply: FastifyReply
  resource: ServedResource
  path: ResourcePath
  parameters: Parameters
  form: Representation
  write: WriteOptions
}

/** Everything below /api/v1 and /apis/GROUP/VERSION. @throws ApiError */
export async function handleResource(
  core: ApiCore,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const path = parseResourcePath(request.url.split('?')[0] ?? '')
  const resource = path && core.registry.find(path)
  if (!path || !resource || (path.namespace !== '' && !resource.namespaced)) throw noSuchResource()
  const parameters = parseParameters(request.query)
  const status = path.subresource === 'status'
  if (path.subresource !== undefined && !(status && resource.statusSubresource)) throw noSuchResource()
  const call: Call = {
    core,
    request,
    reply,
    resource,
    path,
    parameters,
    form: representationFor(request.headers.accept),
    write: {
      dryRun: parameters.dryRun === 'All',
      ...(parameters.fieldValidation ? { fieldValidation: parameters.fieldValidation } : {}),
      ...(status ? { subresource: 'status' } : {}),
    },
  }
  return path.name === undefined ? await handleCollection(call) : await handleObject(call, path.name)
}

async function handleCollection(call: Call): Promise<unknown> {
  const { core, request, reply, resource, path, parameters } = call
  const query = { ...parameters, namespace: path.namespace }
  switch (request.method) {
    case 'GET':
      if (!resource.verbs.includes('list')) throw methodNotAllowed()
      checkListParameters(parameters)
      if (parameters.watch) return watch(call)
      return showList(call, core.list(resource, query))
    case 'POST': {
      if (resource.namespaced && path.namespace === '') throw methodNotAllowed()
      const body = parseObjectBody(request.headers['content-type'], request.body)
      if (!resource.verbs.includes('list')) return reply.code(201).send(answerReview(resource, body))
      return show(call, await core.create(resource, path.namespace, body, call.write), 201)
    }
    case 'DELETE': {
      if (resource.namespaced && path.namespace === '') throw methodNotAllowed()
      const { deletion, dryRun } = parseDeletion(parameters, bodyOf(request))
      return showList(call, await core.deleteCollection(resource, query, deletion, { dryRun }))
    }
    default:
      throw methodNotAllowed()
  }
}

async function handleObject(call: Call, name: string): Promise<unknown> {
  const { core, request, resource, path, parameters, write } = call
  const { namespace } = path
  if (resource.namespaced && namespace === '') throw noSuchResource()
  switch (request.method) {
    case 'GET':
      if (parameters.watch) return watch(call)
      return showObject(call, core.get(resource, namespace, name))
    case 'PUT':
      return show(call, await core.update(resource, namespace, name, bodyOf(request), write), 200)
    case 'PATCH':
      return show(call, await core.patch(resource, namespace, name, patchOf(call), write), 200)
    case 'DELETE': {
      if (path.subresource) throw methodNotAllowed()
      const { deletion, dryRun } = parseDeletion(parameters, bodyOf(request))
      const written = await core.delete(resource, namespace, name, deletion, { dryRun })
      if (!written.removed) return show(call, written, 200)
      const { group, plural } = resource
      const { uid } = written.object.metadata
      return success({ name, ...(group === '' ? {} : { group }), kind: plural, uid })
    }
    default:
      throw methodNotAllowed()
  }
}

function bodyOf(request: FastifyRequest): unknown {
  return parseObjectBody(request.headers['content-type'], request.body)
}

function patchOf({ request, parameters }: Call): PatchRequest {
  const type = PATCH_TYPES[mediaTypeOf(request.headers['content-type'])]
  if (type === undefined) throw unsupportedMediaType(Object.keys(PATCH_TYPES))
  const text = textOf(request.body)
  if (text.trim() === '') throw badRequest('error decoding patch: the body is empty')
  const body = type === 'apply' ? parseYaml(text) : parseJson(text)
  if (type !== 'apply') return { type, body }
  return { type, body, fieldManager: parameters.fieldManager ?? '', force: parameters.force === true }
}

function show(call: Call, written: Written, code: number): unknown {
  const { reply } = call
  // All at once: a header that is set again replaces the one before.
  const warnings = written.warnings.map((warning) => `299 - ${quoted(warning)}`)
  if (warnings.length > 0) reply.header('warning', warnings)
  reply.code(code === 200 && written.operation === 'CREATE' ? 201 : code)
  return showObject(call, written.object)
}

/** RFC 9110 §5.6.4 quoted-string, in what may stand in a header. */
function quoted(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000)
  return `"${printable.replace(/["\\]/g, '\\$&')}"`
}

function showObject({ core, resource, form, parameters }: Call, object: KubeObject): unknown {
  if (form === 'partial') return partialObject(object)
  if (form === 'object') return object
  const metadata = { resourceVersion: object.metadata.resourceVersion }
  return tableOf(resource, [object], metadata, core.clock.now(), parameters.includeObject ?? 'Metadata')
}

function showList({ core, resource, form, parameters }: Call, page: ListPage): unknown {
  const { items, ...metadata } = page
  const list: Fields = { ...metadata }
  switch (form) {
    case 'table':
      return tableOf(resource, items, list, core.clock.now(), parameters.includeObject ?? 'Metadata')
    case 'partial':
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: 'meta.k8s.io/v1',
        metadata: list,
        items: items.map(partialObject),
      }
    case 'object':
      return { kind: resource.listKind, apiVersion: apiVersionOf(resource), metadata: list, items }
  }
}

function watch(call: Call): FastifyReply {
  const { core, reply, resource, path, parameters } = call
  const { timeoutSeconds, allowWatchBookmarks, sendInitialEvents } = parameters
  const byName = path.name === undefined ? undefined : `metadata.name=${path.name}`
  const query = {
    namespace: path.namespace,
    labelSelector: parameters.labelSelector,
    fieldSelector: [byName, parameters.fieldSelector].filter(Boolean).join(','),
    resourceVersion: parameters.resourceVersion,
    bookmarks: allowWatchBookmarks === true,
    ...(sendInitialEvents === undefined ? {} : { sendInitialEvents }),
    timeout: timeoutSeconds ? seconds(timeoutSeconds) : DEFAULT_WATCH_TIMEOUT,
  }
  const encode = eventEncoder(call)
  streamWatch(reply.raw, core.clock, encode, (sink) => core.watch(resource, query, sink))
  return reply.hijack()
}

const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' }

function eventEncoder({ core, resource, form, parameters }: Call): (event: ServedEvent) => unknown {
  const typeMeta = { kind: resource.kind, apiVersion: apiVersionOf(resource) }
  const include = parameters.includeObject ?? 'Metadata'
  // The column definitions go with the first table only.
  let first = true
  const shown = (object: KubeObject): unknown => {
    if (form === 'object') return object
    if (form === 'partial') return partialObject(object)
    const { resourceVersion } = object.metadata
    const table = tableOf(resource, [object], { resourceVersion }, core.clock.now(), include, first)
    first = false
    return table
  }
  return (event) => {
    if (event.type !== 'BOOKMARK') return { type: event.type, object: shown(event.object) }
    const annotations = event.initialEventsEnd ? { annotations: INITIAL_EVENTS_END } : {}
    const metadata = { resourceVersion: event.resourceVersion, creationTimestamp: null, ...annotations }
    if (form === 'table') {
      const object = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
      const rows = [{ cells: resource.columns.map(() => null).concat(null), object }]
      const table = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: null, rows }
      return { type: 'BOOKMARK', object: table }
    }
    return { type: 'BOOKMARK', object: { ...typeMeta, metadata } }
  }
}

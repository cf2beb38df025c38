import type { Logger } from 'pino'
import type { KubeObject } from '../api/object.ts'
import type { Resource } from '../api/resource.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import { type Duration, seconds } from '../api/values/time.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import { notUnderstood, toEvent, toObject, toPage } from './answers.ts'
import { ApiConnection, type ApiRequest } from './api-connection.ts'
import { ExpiredError, InvalidObjectError, type StoreError, UnavailableError } from './errors.ts'
import { loadApiServer } from './kubeconfig.ts'
import { linesOf } from './lines.ts'
import type { RateLimit } from './rate-limiter.ts'
import { resourcePath } from './resource-path.ts'
import type {
  DeleteOptions,
  ListOptions,
  ObjectList,
  Patch,
  Store,
  Subresource,
  WatchEvent,
  WatchHandle,
  WatchHandler,
  WatchOptions,
} from './store.ts'

export interface KubeStoreOptions {
  /** A file. Without it: $KUBECONFIG, the pod's service account, ~/.kube/config. */
  kubeconfig?: string
  log: Logger
  clock: Clock
  random?: Random
  /** Default 30 s. */
  requestTimeout?: Duration
  /** Default 200 a second after a burst of 400. */
  rateLimit?: RateLimit
}

/** The Kubernetes API over HTTP. */
export interface KubeStore extends Store {
  /** Without credentials, for the log. */
  readonly server: string
  /** The namespace of the current context, or that of the pod. */
  readonly namespace: string | undefined
  /** Ends every request and watch. */
  close(): void
}

const PAGE_SIZE = 500
/** A list whose pages expire as they are read is begun anew so often. */
const LIST_ATTEMPTS = 3
/** etcd takes 1.5 MiB; as JSON with managedFields an object stays well below this. */
const LONGEST_EVENT = 16 * 1024 * 1024

/** @throws KubeconfigError */
export function createKubeStore(options: KubeStoreOptions): KubeStore {
  const server = loadApiServer(options.kubeconfig)
  const connection = new ApiConnection({
    server,
    clock: options.clock,
    requestTimeout: options.requestTimeout ?? seconds(30),
    rateLimit: options.rateLimit ?? { requestsPerSecond: 200, burst: 400 },
    userAgent: 'managed-dhcp',
  })
  return new HttpStore(connection, options.log, options.random ?? systemRandom, {
    server: server.url.origin,
    namespace: server.namespace,
  })
}

class HttpStore implements KubeStore {
  readonly server: string
  readonly namespace: string | undefined
  readonly #connection: ApiConnection
  readonly #log: Logger
  readonly #random: Random
  readonly #mayWrite: (() => boolean) | undefined

  constructor(
    connection: ApiConnection,
    log: Logger,
    random: Random,
    { server, namespace }: { server: string; namespace: string | undefined },
    mayWrite?: () => boolean,
  ) {
    this.server = server
    this.namespace = namespace
    this.#connection = connection
    this.#log = log
    this.#random = random
    this.#mayWrite = mayWrite
  }

  fenced(mayWrite: () => boolean): Store {
    return new HttpStore(this.#connection, this.#log, this.#random, this, mayWrite)
  }

  async get(resource: Resource, key: ObjectKey): Promise<KubeObject> {
    return toObject(resource, await this.#connection.json({ method: 'GET', path: pathOf(resource, key) }))
  }

  async list(resource: Resource, options: ListOptions = {}): Promise<ObjectList> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#listPages(resource, options)
      } catch (error) {
        if (!(error instanceof ExpiredError) || attempt === LIST_ATTEMPTS) throw error
      }
    }
  }

  watch(resource: Resource, options: WatchOptions, handler: WatchHandler): WatchHandle {
    const controller = new AbortController()
    let isStopped = false
    const report = (event: WatchEvent) => {
      if (!isStopped) handler.event(event)
    }
    const ended = (error?: StoreError) => {
      try {
        handler.ended(isStopped ? undefined : error)
      } catch (err) {
        this.#log.error({ err, resource: resource.plural }, 'watch handler failed')
      }
    }
    this.#readEvents(resource, options, controller, report).then(() => ended(), ended)
    return {
      stop() {
        isStopped = true
        controller.abort(new UnavailableError(0, 'the watch was stopped'))
      },
    }
  }

  async create(resource: Resource, object: KubeObject): Promise<KubeObject> {
    const path = resourcePath(resource, namespaceOf(resource, object))
    return toObject(resource, await this.#write({ method: 'POST', path, body: json(object) }))
  }

  async update(resource: Resource, object: KubeObject, subresource?: Subresource): Promise<KubeObject> {
    const path = resourcePath(resource, namespaceOf(resource, object), object.metadata.name, subresource)
    return toObject(resource, await this.#write({ method: 'PUT', path, body: json(object) }))
  }

  async patch(
    resource: Resource,
    key: ObjectKey,
    patch: Patch,
    subresource?: Subresource,
  ): Promise<KubeObject> {
    const contentType =
      patch.type === 'merge' ? 'application/merge-patch+json' : 'application/json-patch+json'
    const answer = await this.#write({
      method: 'PATCH',
      path: pathOf(resource, key, subresource),
      body: { contentType, json: patch.body },
    })
    return toObject(resource, answer)
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.#write({
      method: 'DELETE',
      path: pathOf(resource, key),
      body: json({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: options }),
    })
  }

  close(): void {
    this.#connection.close()
  }

  #write(request: ApiRequest): Promise<unknown> {
    return this.#connection.json({ ...request, mayLeave: this.#mayWrite })
  }

  async #listPages(resource: Resource, options: ListOptions): Promise<ObjectList> {
    const items: KubeObject[] = []
    let next: string | undefined
    for (;;) {
      const answer = await this.#connection.json({
        method: 'GET',
        path: resourcePath(resource, options.namespace),
        query: { ...selectors(options), limit: String(PAGE_SIZE), continue: next },
      })
      const page = toPage(resource, answer)
      items.push(...page.items)
      if (!page.continue) return { items, resourceVersion: page.resourceVersion }
      if (page.continue === next) {
        throw notUnderstood(`list of ${resource.plural}`, new Error('it sends one page for ever'))
      }
      next = page.continue
    }
  }

  async #readEvents(
    resource: Resource,
    options: WatchOptions,
    controller: AbortController,
    report: (event: WatchEvent) => void,
  ): Promise<void> {
    const query = {
      ...selectors(options),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      // As client-go does: five to ten minutes, so that the watches of many clients do not end together.
      timeoutSeconds: String(Math.round(300 * (1 + this.#random.next()))),
    }
    const path = resourcePath(resource, options.namespace)
    await this.#connection.stream({ method: 'GET', path, query }, controller, async (body) => {
      for await (const line of linesOf(body, LONGEST_EVENT)) {
        const event = toEvent(resource, line)
        if (event !== undefined) report(event)
      }
    })
  }
}

function pathOf(resource: Resource, key: ObjectKey, subresource?: Subresource): string {
  return resourcePath(resource, key.namespace, key.name, subresource)
}

function namespaceOf(resource: Resource, object: KubeObject): string | undefined {
  const { namespace, name } = object.metadata
  if (resource.namespaced && !namespace) {
    throw new InvalidObjectError(422, `${resource.kind} ${name}: metadata.namespace is missing`)
  }
  return namespace
}

function selectors({ labelSelector, fieldSelector }: ListOptions): Record<string, string | undefined> {
  return { labelSelector, fieldSelector }
}

function json(body: unknown): { contentType: string; json: unknown } {
  return { contentType: 'application/json', json: body }
}

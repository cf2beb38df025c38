import type { Logger } from 'pino'
import * as z from 'zod'
import { NETWORK_ATTACHMENT_DEFINITIONS, type Resource } from '../../../../src/api/resource.ts'
import type { ObjectKey } from '../../../../src/api/values/object-key.ts'
import { seconds } from '../../../../src/api/values/time.ts'
import { ApiConnection } from '../../../../src/kube/api-connection.ts'
import { createKubeStore, type KubeStore } from '../../../../src/kube/client.ts'
import { NotFoundError, UnavailableError } from '../../../../src/kube/errors.ts'
import { loadApiServer } from '../../../../src/kube/kubeconfig.ts'
import { resourcePath } from '../../../../src/kube/resource-path.ts'
import type { Clock } from '../../../../src/runtime/clock.ts'
import { type PodHead, type PodStatus, podHeadSchema } from '../spec/pod-schema.ts'
import { CONFIG_MAPS, PODS, SECRETS } from './resources.ts'

/** What a kubelet asks of the API server beyond what a `Store` offers. */
export interface KubeletApi {
  readonly store: KubeStore
  /** The values of a Secret or ConfigMap; undefined when there is none. */
  readData(kind: 'secret' | 'configMap', key: ObjectKey): Promise<ReadonlyMap<string, Buffer> | undefined>
  hasNetwork(key: ObjectKey): Promise<boolean>
  /** A token of the pod's service account, which ends with the pod (TokenRequest). */
  requestToken(pod: PodHead, request: TokenRequest): Promise<string>
  /** The pod's end: its containers are gone. */
  deletePod(pod: PodHead): Promise<void>
  /** The pod as it is now. @throws NotFoundError also when another has its name now */
  readPod(pod: PodHead): Promise<PodHead>
  /** @throws ConflictError when the pod in the API is not `pod` any more */
  patchStatus(pod: PodHead, status: PodStatus): Promise<void>
  close(): void
}

export interface TokenRequest {
  readonly serviceAccount: string
  readonly audience: string | undefined
  readonly expirationSeconds: number
}

const secretSchema = z.looseObject({ data: z.record(z.string(), z.string()).optional() })
const configMapSchema = z.looseObject({
  data: z.record(z.string(), z.string()).optional(),
  binaryData: z.record(z.string(), z.string()).optional(),
})
const tokenSchema = z.looseObject({ status: z.looseObject({ token: z.string() }) })

export function createKubeletApi(options: { kubeconfig: string; clock: Clock; log: Logger }): KubeletApi {
  const rateLimit = { requestsPerSecond: 1000, burst: 1000 }
  // A request that hangs must leave room for more heart-beats within the grace period.
  const requestTimeout = seconds(3)
  const connection = new ApiConnection({
    server: loadApiServer(options.kubeconfig),
    clock: options.clock,
    requestTimeout,
    rateLimit,
    userAgent: 'emulated-kubelet',
  })
  return new HttpKubeletApi(createKubeStore({ ...options, requestTimeout, rateLimit }), connection)
}

class HttpKubeletApi implements KubeletApi {
  readonly store: KubeStore
  readonly #connection: ApiConnection
  /** As a kubelet's own caches: while the API server is away, containers start with what it said last. */
  readonly #lastKnown = new Map<string, unknown>()

  constructor(store: KubeStore, connection: ApiConnection) {
    this.store = store
    this.#connection = connection
  }

  async readData(kind: 'secret' | 'configMap', key: ObjectKey) {
    const object = await this.#find(kind === 'secret' ? SECRETS : CONFIG_MAPS, key)
    if (object === undefined) return undefined
    const values = new Map<string, Buffer>()
    const add = (entries: Record<string, string> | undefined, encoding: 'base64' | 'utf8') => {
      for (const [name, text] of Object.entries(entries ?? {})) values.set(name, Buffer.from(text, encoding))
    }
    if (kind === 'secret') add(secretSchema.parse(object).data, 'base64')
    else {
      const { data, binaryData } = configMapSchema.parse(object)
      add(data, 'utf8')
      add(binaryData, 'base64')
    }
    return values
  }

  async hasNetwork(key: ObjectKey): Promise<boolean> {
    return (await this.#find(NETWORK_ATTACHMENT_DEFINITIONS, key)) !== undefined
  }

  async requestToken(pod: PodHead, request: TokenRequest): Promise<string> {
    const { namespace, name, uid } = pod.metadata
    const send = () =>
      this.#connection.json({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/${request.serviceAccount}/token`,
        body: json({
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            ...(request.audience === undefined ? {} : { audiences: [request.audience] }),
            expirationSeconds: request.expirationSeconds,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
          },
        }),
      })
    const answer = await this.#orLastKnown(JSON.stringify(['token', uid, request]), send)
    return tokenSchema.parse(answer).status.token
  }

  async deletePod(pod: PodHead): Promise<void> {
    const { namespace, name, uid } = pod.metadata
    await this.#connection.json({
      method: 'DELETE',
      path: resourcePath(PODS, namespace, name),
      body: json({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds: 0,
        preconditions: { uid },
      }),
    })
  }

  async readPod(pod: PodHead): Promise<PodHead> {
    const { namespace, name, uid } = pod.metadata
    const present = podHeadSchema.parse(await this.store.get(PODS, { namespace, name }))
    if (present.metadata.uid !== uid)
      throw new NotFoundError(`pod ${namespace}/${name} is another now: ${present.metadata.uid}, not ${uid}`)
    return present
  }

  async patchStatus(pod: PodHead, status: PodStatus): Promise<void> {
    const { namespace, name, uid, resourceVersion } = pod.metadata
    const body = { metadata: { uid, resourceVersion }, status }
    await this.store.patch(PODS, { namespace, name }, { type: 'merge', body }, 'status')
  }

  close(): void {
    this.store.close()
    this.#connection.close()
  }

  async #orLastKnown(what: string, ask: () => Promise<unknown>): Promise<unknown> {
    try {
      const answer = await ask()
      this.#lastKnown.set(what, answer)
      return answer
    } catch (error) {
      if (error instanceof UnavailableError && this.#lastKnown.has(what)) return this.#lastKnown.get(what)
      throw error
    }
  }

  async #find(resource: Resource, key: ObjectKey): Promise<unknown> {
    const { namespace, name } = key
    try {
      return await this.#orLastKnown(JSON.stringify([resource.plural, namespace, name]), () =>
        this.store.get(resource, key),
      )
    } catch (error) {
      if (error instanceof NotFoundError) return undefined
      throw error
    }
  }
}

function json(body: unknown): { contentType: string; json: unknown } {
  return { contentType: 'application/json', json: body }
}

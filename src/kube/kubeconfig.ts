import { accessSync, constants } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node'

/** Where the API server is and how to get in. */
export interface ApiServer {
  readonly url: URL
  /** The namespace of the current context, or that of the pod. */
  readonly namespace: string | undefined
  /** TLS and authentication for the next request: files and tokens are read again, so that they can rotate. */
  requestOptions(): Promise<RequestOptions>
  /** True when `requestOptions` brings an agent that goes through a proxy. */
  readonly usesProxy: boolean
}

export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError'
}

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * Looks where controllers look: the given file, $KUBECONFIG, the pod's service account, ~/.kube/config.
 * @throws KubeconfigError with one line that says which file and what to do
 */
export function loadApiServer(path?: string, environment: NodeJS.ProcessEnv = process.env): ApiServer {
  if (path !== undefined) return fromFiles([path])
  const listed = environment.KUBECONFIG?.split(delimiter).filter((file) => file !== '') ?? []
  if (listed.length > 0) return fromFiles(listed)
  if (environment.KUBERNETES_SERVICE_HOST !== undefined && isReadable(SERVICE_ACCOUNT_TOKEN)) {
    const config = new KubeConfig()
    config.loadFromCluster()
    return toApiServer(config, 'the service account of this pod')
  }
  const home = join(homedir(), '.kube', 'config')
  if (isReadable(home)) return fromFiles([home])
  throw new KubeconfigError(
    `no Kubernetes API server is known: not in a pod, $KUBECONFIG is not set and ${home} cannot be read; ` +
      'name a file with --kubeconfig, or use "managed-dhcp standalone", which needs no cluster',
  )
}

function fromFiles(files: readonly string[]): ApiServer {
  const config = new KubeConfig()
  const [first, ...others] = files.map((file) => {
    const one = new KubeConfig()
    try {
      one.loadFromFile(file)
    } catch (cause) {
      throw new KubeconfigError(`kubeconfig ${file} cannot be used: ${reasonOf(cause)}`, { cause })
    }
    return one
  })
  const source = `kubeconfig ${files.join(delimiter)}`
  try {
    if (first !== undefined) config.mergeConfig(first)
    for (const other of others) config.mergeConfig(other, Boolean(config.getCurrentContext()))
  } catch (cause) {
    throw new KubeconfigError(`${source} cannot be used: ${reasonOf(cause)}`, { cause })
  }
  return toApiServer(config, source)
}

function toApiServer(config: KubeConfig, source: string): ApiServer {
  const context = config.getContextObject(config.getCurrentContext())
  if (context === null) {
    throw new KubeconfigError(
      `${source} has no usable current-context; choose one with "kubectl config use-context"`,
    )
  }
  const cluster = config.getCluster(context.cluster)
  if (cluster === null) throw new KubeconfigError(`${source} has no cluster "${context.cluster}"`)
  const user = context.user ? config.getUser(context.user) : { name: 'anonymous' }
  if (user === null) throw new KubeconfigError(`${source} has no user "${context.user}"`)
  requireFiles(source, cluster, user)
  const url = toUrl(source, cluster)

  // A context may name no user, and then the library would leave the cluster's CA out too.
  const access = new KubeConfig()
  access.loadFromClusterAndUser(cluster, user)
  return {
    url,
    namespace: context.namespace || undefined,
    usesProxy: url.protocol === 'https:' && Boolean(cluster.proxyUrl),
    async requestOptions() {
      // As kubectl does: credentials go over TLS only. The library refuses plain HTTP altogether.
      if (url.protocol === 'http:') return {}
      const options: RequestOptions = {}
      await access.applyToHTTPSOptions(options)
      return options
    },
  }
}

function toUrl(source: string, cluster: Cluster): URL {
  if (!URL.canParse(cluster.server) || !/^https?:$/.test(new URL(cluster.server).protocol)) {
    throw new KubeconfigError(
      `${source}: the server "${cluster.server}" of cluster "${cluster.name}" is no http or https URL`,
    )
  }
  return new URL(cluster.server)
}

function requireFiles(source: string, cluster: Cluster, user: User): void {
  for (const file of [cluster.caFile, user.certFile, user.keyFile]) {
    if (file && !isReadable(file)) throw new KubeconfigError(`${source}: ${file} cannot be read`)
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.message.split('\n')[0] ?? cause.name) : String(cause)
}

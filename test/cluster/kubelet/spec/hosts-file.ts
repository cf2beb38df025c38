import * as z from 'zod'

/** What an EndpointSlice says of the pods behind a Service. */
export const endpointSliceSchema = z.looseObject({
  metadata: z.looseObject({ namespace: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  addressType: z.string(),
  endpoints: z
    .array(
      z.looseObject({
        addresses: z.array(z.string()),
        hostname: z.string().optional(),
        conditions: z.looseObject({ ready: z.boolean().nullish() }).optional(),
      }),
    )
    .nullish(),
})
export type EndpointSlice = z.infer<typeof endpointSliceSchema>

/**
 * /etc/hosts of a pod. It stands for the cluster's DNS and kube-proxy: the names of a Service lead to one of its ready
 * pods, so a Service must have the same port as its pods. Without a ready pod there is no such name.
 */
export function hostsFile(
  pod: { namespace: string; hostname: string; address: string },
  slices: readonly EndpointSlice[],
): string {
  const lines = ['127.0.0.1 localhost', `${pod.address} ${pod.hostname}`]
  const named = new Set<string>()
  const name = (address: string, names: readonly string[]) => {
    const fresh = names.filter((one) => !named.has(one))
    for (const one of fresh) named.add(one)
    if (fresh.length > 0) lines.push(`${address} ${fresh.join(' ')}`)
  }
  for (const { service, namespace, endpoint, address } of readyEndpoints(slices)) {
    const short = namespace === pod.namespace ? [service] : []
    const names = (prefix: string) => [...short, ...suffixes(service, namespace)].map((one) => prefix + one)
    name(address, names(''))
    if (endpoint.hostname) name(address, names(`${endpoint.hostname}.`))
  }
  return `${lines.join('\n')}\n`
}

function suffixes(service: string, namespace: string): string[] {
  const base = `${service}.${namespace}`
  return [base, `${base}.svc`, `${base}.svc.cluster.local`]
}

function* readyEndpoints(slices: readonly EndpointSlice[]) {
  for (const slice of slices) {
    const service = slice.metadata.labels['kubernetes.io/service-name']
    if (service === undefined || slice.addressType !== 'IPv4') continue
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = endpoint.addresses
      // An unknown state counts as ready (EndpointConditions in the API).
      if (address === undefined || endpoint.conditions?.ready === false) continue
      yield { service, namespace: slice.metadata.namespace, endpoint, address }
    }
  }
}

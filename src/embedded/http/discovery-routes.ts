import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ApiCore } from '../api-core.ts'
import { aggregatedDiscovery } from '../discovery/aggregated.ts'
import { groupList, resourceList, versionInfo } from '../discovery/groups.ts'
import { openApiDocument, openApiIndex } from '../discovery/openapi.ts'
import { noSuchResource } from '../status.ts'
import { AGGREGATED_DISCOVERY, acceptsAggregatedDiscovery } from './accept.ts'

const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'

interface GroupVersion {
  group: string
  version: string
}

/** What clients read to find out what there is. */
export function registerDiscovery(app: FastifyInstance, core: ApiCore): void {
  const { registry } = core
  const discover = (which: 'core' | 'named', legacy: () => unknown) => {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      reply.header('vary', 'Accept')
      if (!acceptsAggregatedDiscovery(request.headers.accept)) return legacy()
      reply.type(AGGREGATED_DISCOVERY).serializer((body: unknown) => JSON.stringify(body))
      return aggregatedDiscovery(registry, which)
    }
  }
  app.get(
    '/api',
    discover('core', () => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })),
  )
  app.get(
    '/apis',
    discover('named', () => groupList(registry)),
  )
  app.get('/api/v1', async () => resourceList(registry, '', 'v1'))
  app.get<{ Params: { group: string } }>('/apis/:group', async ({ params }) => {
    const found = groupList(registry).groups.find((group) => group.name === params.group)
    if (!found) throw noSuchResource()
    return { kind: 'APIGroup', apiVersion: 'v1', ...found }
  })
  app.get<{ Params: GroupVersion }>('/apis/:group/:version', async ({ params: { group, version } }) => {
    if (registry.inGroupVersion(group, version).length === 0) throw noSuchResource()
    return resourceList(registry, group, version)
  })
  app.get('/version', async () => versionInfo())
  // kubectl asks for it before it sends a `kind: List`, and reads an empty document as "nothing to check here": the
  // objects inside are checked when they arrive. It takes protobuf only, of which nothing is the empty document.
  app.get('/openapi/v2', async (_request, reply) => reply.type(OPENAPI_V2_PROTOBUF).send(Buffer.alloc(0)))
  app.get('/openapi/v3', async () => openApiIndex(registry))
  app.get('/openapi/v3/api/v1', async () => openApiDocument(registry, '', 'v1'))
  app.get<{ Params: GroupVersion }>('/openapi/v3/apis/:group/:version', async ({ params }) => {
    const { group, version } = params
    if (registry.inGroupVersion(group, version).length === 0) throw noSuchResource()
    return openApiDocument(registry, group, version)
  })
  for (const probe of ['/healthz', '/livez', '/readyz']) {
    // Whoever embeds this server may know better whether it is ready.
    if (app.hasRoute({ method: 'GET', url: probe })) continue
    app.get(probe, async (_request, reply) => reply.type('text/plain').send('ok'))
  }
}

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { InsecureListenError, isLoopback } from '../../src/embedded/http/access.ts'
import { parseResourcePath } from '../../src/embedded/http/resource-path.ts'
import { ListenError } from '../../src/embedded/http/server.ts'
import { writeKubeconfig } from '../../src/embedded/kubeconfig.ts'
import { ipPool, openTestApi, refusalOf } from './support.ts'

const POOLS = '/apis/network.harvesterhci.io/v1alpha1/namespaces/default/ippools'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

let api: EmbeddedApi

beforeAll(async () => {
  api = await openTestApi()
  await api.store.create(
    {
      group: 'network.harvesterhci.io',
      version: 'v1alpha1',
      plural: 'ippools',
      kind: 'IPPool',
      namespaced: true,
    },
    ipPool('net-48'),
  )
})
afterAll(() => api.close())

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

async function call(
  method: Method,
  url: string,
  payload?: string | object,
  headers: Record<string, string> = {},
) {
  const answer = await api.http.app.inject({
    method,
    url,
    ...(payload === undefined ? {} : { payload }),
    headers,
  })
  const json: unknown = answer.headers['content-type']?.toString().includes('json')
    ? answer.json()
    : undefined
  return { code: answer.statusCode, json, headers: answer.headers, text: answer.payload }
}

const JSON_TYPE = { 'content-type': 'application/json' }
const failure = (code: number, reason: string) => ({
  code,
  json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason },
})

describe('what cannot be understood is refused with a Status', () => {
  const cases: [what: string, request: Parameters<typeof call>, code: number, reason: string][] = [
    ['JSON that is none', ['POST', POOLS, '{', JSON_TYPE], 400, 'BadRequest'],
    ['a body that is no object', ['POST', POOLS, '[1]', JSON_TYPE], 400, 'BadRequest'],
    ['an empty body', ['POST', POOLS, '', JSON_TYPE], 400, 'BadRequest'],
    ['YAML that is none', ['POST', POOLS, 'a: [', { 'content-type': 'application/yaml' }], 400, 'BadRequest'],
    [
      'a body in another form',
      ['POST', POOLS, 'x', { 'content-type': 'text/plain' }],
      415,
      'UnsupportedMediaType',
    ],
    ['a patch in another form', ['PATCH', `${POOLS}/net-48`, '{}', JSON_TYPE], 415, 'UnsupportedMediaType'],
    ['a kind that is not served', ['GET', '/apis/nothing.io/v1/things'], 404, 'NotFound'],
    ['a path that is none', ['GET', '/nothing'], 404, 'NotFound'],
    ['a broken escape', ['GET', `${POOLS}/%zz`], 400, 'BadRequest'],
    ['a subresource that is not there', ['GET', `${POOLS}/net-48/scale`], 404, 'NotFound'],
    ['PUT on a collection', ['PUT', POOLS, '{}', JSON_TYPE], 405, 'MethodNotAllowed'],
    ['a selector that cannot be read', ['GET', `${POOLS}?labelSelector=a%20b`], 400, 'BadRequest'],
    ['a limit that is no number', ['GET', `${POOLS}?limit=x`], 400, 'BadRequest'],
    ['a continue token that is none', ['GET', `${POOLS}?continue=x`], 400, 'BadRequest'],
    ['a resourceVersion that is none', ['GET', `${POOLS}?resourceVersion=abc`], 400, 'BadRequest'],
    ['an unknown dryRun', ['DELETE', `${POOLS}/net-48?dryRun=Some`], 400, 'BadRequest'],
    [
      'protobuf alone',
      ['GET', POOLS, undefined, { accept: 'application/vnd.kubernetes.protobuf' }],
      406,
      'NotAcceptable',
    ],
    ['another name than the URL', ['PUT', `${POOLS}/other`, ipPool('net-48'), JSON_TYPE], 400, 'BadRequest'],
    [
      'another namespace than the URL',
      ['POST', POOLS, ipPool('a', { namespace: 'kube-system' }), JSON_TYPE],
      400,
      'BadRequest',
    ],
    ['another kind', ['POST', POOLS, { ...ipPool('a'), kind: 'Pool' }, JSON_TYPE], 400, 'BadRequest'],
    ['a resourceVersion from the future', ['GET', `${POOLS}?resourceVersion=99999`], 504, 'Timeout'],
    ['a field named __proto__', ['POST', POOLS, '{"__proto__":{"a":1}}', JSON_TYPE], 400, 'BadRequest'],
    [
      'nesting without end',
      ['POST', POOLS, '['.repeat(100_000) + ']'.repeat(100_000), JSON_TYPE],
      400,
      'BadRequest',
    ],
    [
      'a few aliases that stand for a thousand million values',
      ['POST', POOLS, yamlBomb(), { 'content-type': 'application/yaml' }],
      400,
      'BadRequest',
    ],
    [
      'more than 3 MiB',
      ['POST', POOLS, 'x'.repeat(3 * 1024 * 1024 + 1), JSON_TYPE],
      413,
      'RequestEntityTooLarge',
    ],
  ]
  test.each(cases)('%s', async (_, request, code, reason) => {
    expect(await call(...request)).toMatchObject(failure(code, reason))
  })

  test('whatever the body, the answer is a Status and the server lives on', async () => {
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify({ ...ipPool('fuzz'), metadata: value })),
      fc.jsonValue().map((value) => JSON.stringify({ ...ipPool('fuzz'), spec: value })),
    )
    const types = [
      'application/json',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'application/merge-patch+json',
      'application/json-patch+json',
      'application/apply-patch+yaml',
    ]
    await fc.assert(
      fc.asyncProperty(
        body,
        fc.constantFrom(...types),
        fc.constantFrom<Method>('POST', 'PATCH', 'PUT'),
        async (payload, type, method) => {
          const url = method === 'POST' ? POOLS : `${POOLS}/net-48`
          const { code } = await call(method, `${url}?fieldManager=f&dryRun=All`, payload, {
            'content-type': type,
          })
          expect(code).toBeLessThan(500)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('whatever the bytes, protobuf is read or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        const payload = Buffer.concat([Buffer.from('k8s\0'), bytes])
        const answer = await api.http.app.inject({
          method: 'POST',
          url: '/api/v1/namespaces?dryRun=All',
          payload,
          headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
        })
        expect(answer.statusCode).toBeLessThan(500)
      }),
      { numRuns: 300 },
    )
  })
})

function yamlBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 9; level++) {
    const alias = `*a${level - 1}`
    lines.push(`a${level}: &a${level} [${Array(10).fill(alias).join(', ')}]`)
  }
  return lines.join('\n')
}

test('of several warnings of admission the client hears each', async () => {
  const warnings = ['the first', 'the second']
  const strict = await openTestApi({ admit: () => ({ allowed: true, warnings }) })
  try {
    const answer = await strict.http.app.inject({ method: 'POST', url: POOLS, payload: ipPool('warned') })
    expect(answer.statusCode).toBe(201)
    expect(answer.headers.warning).toEqual(['299 - "the first"', '299 - "the second"'])
  } finally {
    await strict.close()
  }
})

describe('tables', () => {
  test('have the columns of the definition and the metadata of each object', async () => {
    const { json } = await call('GET', POOLS, undefined, { accept: TABLE })
    expect(json).toMatchObject({
      kind: 'Table',
      columnDefinitions: [
        { name: 'Name', format: 'name' },
        { name: 'NETWORK' },
        { name: 'AVAILABLE', type: 'integer' },
        { name: 'USED' },
        { name: 'REGISTERED' },
        { name: 'CACHEREADY' },
        { name: 'AGENTREADY' },
        { name: 'AGE', type: 'date' },
      ],
      rows: [
        {
          cells: ['net-48', 'default/net-48', null, null, null, null, null, '0s'],
          object: { kind: 'PartialObjectMetadata', metadata: { name: 'net-48' } },
        },
      ],
    })
  })

  test('includeObject says what goes with a row', async () => {
    const rows = async (include: string) =>
      (await call('GET', `${POOLS}?includeObject=${include}`, undefined, { accept: TABLE })).json
    expect(await rows('None')).not.toHaveProperty('rows[0].object')
    expect(await rows('Object')).toHaveProperty('rows[0].object.spec')
  })

  test('PartialObjectMetadata has no more than that', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    const { json } = await call('GET', POOLS, undefined, { accept })
    expect(json).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ metadata: { name: 'net-48' } }],
    })
    expect(json).not.toHaveProperty('items[0].spec')
  })
})

describe('discovery', () => {
  test.each([
    '/api',
    '/apis',
    '/api/v1',
    '/apis/kubevirt.io',
    '/apis/kubevirt.io/v1',
    '/version',
    '/openapi/v3',
  ])('%s answers', async (url) => expect((await call('GET', url)).code).toBe(200))

  test('is aggregated on request', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
    const { json, headers } = await call('GET', '/apis', undefined, { accept })
    expect(headers['content-type']).toContain('as=APIGroupDiscoveryList')
    expect(json).toMatchObject({ kind: 'APIGroupDiscoveryList' })
  })

  test('every document of the OpenAPI index is there, and its references lead somewhere', async () => {
    const index = (await call('GET', '/openapi/v3')).json
    const paths = Object.values(Object(Object(index).paths))
    for (const entry of paths) {
      const { code, json, text } = await call('GET', Object(entry).serverRelativeURL)
      expect(code).toBe(200)
      const schemas = Object.keys(Object(Object(Object(json).components).schemas))
      for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
        expect(schemas).toContain(name)
    }
    expect(paths.length).toBeGreaterThan(5)
  })

  test.each(['/healthz', '/livez', '/readyz'])('%s is ok', async (url) => {
    expect(await call('GET', url)).toMatchObject({ code: 200, text: 'ok' })
  })
})

describe('access', () => {
  test('without a token a client must come by a loopback name', async () => {
    const evil = await call('GET', '/api', undefined, { host: 'rebound.example.com' })
    expect(evil).toMatchObject(failure(403, 'Forbidden'))
    for (const host of ['127.0.0.1:8001', 'localhost', '[::1]:8001']) {
      expect((await call('GET', '/api', undefined, { host })).code).toBe(200)
    }
  })

  test('with a token every client must show it, but probes need not', async () => {
    const guarded = await openTestApi()
    const { url } = await guarded.listen({ host: '127.0.0.1', port: 0, token: 'secret' })
    const code = async (path: string, authorization?: string) =>
      (await fetch(url + path, { headers: authorization ? { authorization } : {} })).status
    expect(await code('/api')).toBe(401)
    expect(await code('/api', 'Bearer wrong')).toBe(401)
    expect(await code('/api', 'Bearer secret')).toBe(200)
    expect(await code('/readyz')).toBe(200)
    await guarded.close()
  })

  test('it does not listen beyond loopback without a token', async () => {
    const open = await openTestApi()
    expect(await refusalOf(() => open.listen({ host: '0.0.0.0', port: 0 }))).toBeInstanceOf(
      InsecureListenError,
    )
    await open.close()
  })

  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['192.168.1.1', false],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
  ])('%s is loopback: %s', (host, expected) => expect(isLoopback(host)).toBe(expected))
})

describe('listening', () => {
  test('a port that is taken is an error that says so', async () => {
    const [one, two] = [await openTestApi(), await openTestApi()]
    const { url } = await one.listen({ port: 0 })
    const refusal = await refusalOf(() => two.listen({ port: Number(new URL(url).port) }))
    expect(refusal).toBeInstanceOf(ListenError)
    expect(refusal.message).toContain('EADDRINUSE')
    await Promise.all([one.close(), two.close()])
  })

  test('a socket that listens already is taken over, with further routes', async () => {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const served = await openTestApi()
    served.http.app.get('/metrics', async () => 'mdhcp_up 1')
    const { url } = await served.listen({ handle: listener })
    expect(await (await fetch(`${url}/metrics`)).text()).toBe('mdhcp_up 1')
    expect((await fetch(`${url}/api`)).status).toBe(200)
    await served.close()
    listener.close()
  })

  test('closing ends the watches of clients', async () => {
    const served = await openTestApi()
    const { url } = await served.listen({ port: 0 })
    const watching = await fetch(`${url}/api/v1/namespaces?watch=1`)
    const text = watching.text()
    await served.close()
    expect((await text).split('\n').filter(Boolean)).toHaveLength(5)
  })

  test('a kubeconfig is for its owner only', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
    const file = join(directory, 'sub', 'kubeconfig')
    await writeKubeconfig(file, { url: 'http://127.0.0.1:1', token: 'secret' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toContain('token: secret')
    rmSync(directory, { recursive: true })
  })
})

test.each([
  ['/api/v1/pods', { group: '', version: 'v1', namespace: '', plural: 'pods' }],
  ['/api/v1/namespaces/a', { group: '', version: 'v1', namespace: '', plural: 'namespaces', name: 'a' }],
  [
    '/api/v1/namespaces/a/status',
    { group: '', version: 'v1', namespace: '', plural: 'namespaces', name: 'a', subresource: 'status' },
  ],
  [
    '/apis/g.io/v1/namespaces/a/things/b/status',
    { group: 'g.io', version: 'v1', namespace: 'a', plural: 'things', name: 'b', subresource: 'status' },
  ],
  [
    '/apis/g.io/v1/namespaces/a/status/b',
    { group: 'g.io', version: 'v1', namespace: 'a', plural: 'status', name: 'b' },
  ],
  ['/apis/g.io/v1/namespaces/a/things/b/c/d', undefined],
  ['/apis/g.io', undefined],
])('the path %s', (path, expected) => {
  expect(parseResourcePath(path)).toEqual(expected)
})

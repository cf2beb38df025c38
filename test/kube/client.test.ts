import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { IP_POOLS } from '../../src/api/resource.ts'
import { milliseconds, minutes, seconds } from '../../src/api/values/time.ts'
import { createKubeStore, type KubeStoreOptions } from '../../src/kube/client.ts'
import {
  AlreadyExistsError,
  ConflictError,
  ExpiredError,
  ForbiddenError,
  InvalidObjectError,
  KindNotServedError,
  NotFoundError,
  NotLeadingError,
  ThrottledError,
  UnavailableError,
} from '../../src/kube/errors.ts'
import { createFencedStore } from '../../src/kube/fenced-store.ts'
import { LineTooLongError } from '../../src/kube/lines.ts'
import type { Patch, WatchEvent } from '../../src/kube/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recordingLog } from '../support/recording-log.ts'
import { type Answer, sendJson, startScriptedServer } from '../support/scripted-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { temporaryDirectory, temporaryKubeconfig } from '../support/temporary-kubeconfig.ts'

const KEY = { namespace: 'default', name: 'net-48' }
const ITEM_PATH = '/apis/network.harvesterhci.io/v1alpha1/namespaces/default/ippools/net-48'
const POOL = {
  apiVersion: 'network.harvesterhci.io/v1alpha1',
  kind: 'IPPool',
  metadata: { namespace: 'default', name: 'net-48', resourceVersion: '5' },
}
const status = (code: number, reason: string, message: string, details = {}) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
  details,
})

async function setUp(answer: Answer, options: Partial<KubeStoreOptions> = {}) {
  const server = await startScriptedServer(answer)
  const clock = new ManualClock()
  const store = createKubeStore({
    kubeconfig: await temporaryKubeconfig(server.url),
    clock,
    random: seededRandom(),
    log: recordingLog().log,
    ...options,
  })
  onTestFinished(async () => {
    store.close()
    await server.close()
  })
  return { server, store, clock }
}

/** Waits for the other end of a socket, which no clock of ours drives. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('requests', () => {
  test('go where the API server keeps the kind, with content types and bodies that it understands', async () => {
    const { server, store } = await setUp((_, response) => sendJson(response, 200, POOL))
    await store.get(IP_POOLS, KEY)
    await store.create(IP_POOLS, POOL)
    await store.update(IP_POOLS, POOL, 'status')
    await store.patch(IP_POOLS, KEY, { type: 'merge', body: { status: { used: 1 } } }, 'status')
    await store.patch(IP_POOLS, KEY, {
      type: 'json',
      body: [{ op: 'remove', path: '/metadata/finalizers' }],
    })
    await store.delete(IP_POOLS, KEY, { uid: 'u' })
    expect(
      server.requests.map(({ method, path, headers, body }) => [method, path, headers['content-type'], body]),
    ).toEqual([
      ['GET', ITEM_PATH, undefined, undefined],
      ['POST', ITEM_PATH.replace('/net-48', ''), 'application/json', POOL],
      ['PUT', `${ITEM_PATH}/status`, 'application/json', POOL],
      ['PATCH', `${ITEM_PATH}/status`, 'application/merge-patch+json', { status: { used: 1 } }],
      ['PATCH', ITEM_PATH, 'application/json-patch+json', [{ op: 'remove', path: '/metadata/finalizers' }]],
      [
        'DELETE',
        ITEM_PATH,
        'application/json',
        { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'u' } },
      ],
    ])
  })

  test('keep what they do not know of an object', async () => {
    const pool = { ...POOL, spec: { new: { field: [1] } } }
    const { store } = await setUp((_, response) => sendJson(response, 200, pool))
    expect(await store.get(IP_POOLS, KEY)).toEqual(pool)
  })

  test('share one connection as long as they come one by one', async () => {
    const { server, store } = await setUp((_, response) => sendJson(response, 200, POOL))
    for (let count = 0; count < 5; count += 1) await store.get(IP_POOLS, KEY)
    expect(server.connections.size).toBe(1)
  })

  test('keep the path that a server behind a proxy has', async () => {
    const { server } = await setUp((_, response) => sendJson(response, 200, POOL))
    const kubeconfig = await temporaryKubeconfig(`${server.url}/k8s/clusters/c-1`)
    const store = createKubeStore({ kubeconfig, clock: new ManualClock(), log: recordingLog().log })
    await store.get(IP_POOLS, KEY)
    store.close()
    expect(server.requests[0]?.path).toBe(`/k8s/clusters/c-1${ITEM_PATH}`)
  })

  test('wait in line when they come faster than the rate limit', async () => {
    const { server, store, clock } = await setUp((_, response) => sendJson(response, 200, POOL), {
      rateLimit: { requestsPerSecond: 10, burst: 2 },
    })
    const all = Promise.all(Array.from({ length: 4 }, () => store.get(IP_POOLS, KEY)))
    await until(() => server.requests.length === 2)
    expect(clock.pending).toBeGreaterThanOrEqual(2)
    await clock.advance(milliseconds(100))
    await until(() => server.requests.length === 3)
    await clock.advance(milliseconds(100))
    await all
    expect(server.requests.length).toBe(4)
  })

  test('about a kind that the server does not know say nothing about the object', async () => {
    const { store } = await setUp((_, response) => {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
    })
    await expect(store.get(IP_POOLS, KEY)).rejects.toThrow(KindNotServedError)
  })

  test('do not wait for the clock to be as late again when it is set back', async () => {
    const { server, store, clock } = await setUp((_, response) => sendJson(response, 200, POOL), {
      rateLimit: { requestsPerSecond: 10, burst: 1 },
    })
    await store.get(IP_POOLS, KEY)
    clock.set(minutes(-60))
    const second = store.get(IP_POOLS, KEY)
    await clock.advance(milliseconds(100))
    await second
    expect(server.requests.length).toBe(2)
  })

  test.each([429, 503])(
    'all wait as long as a server asks for that answers %s, also those in line',
    async (code) => {
      const busy = status(code, 'TooManyRequests', 'too many requests')
      const { server, store, clock } = await setUp(
        (_, response) =>
          server.requests.length === 1
            ? sendJson(response, code, busy, { 'retry-after': '2' })
            : sendJson(response, 200, POOL),
        { rateLimit: { requestsPerSecond: 10, burst: 1 } },
      )
      const first = store.get(IP_POOLS, KEY)
      const inLine = store.get(IP_POOLS, KEY)
      await expect(first).rejects.toThrow(ThrottledError)
      const late = store.get(IP_POOLS, KEY)
      await clock.advance(milliseconds(1900))
      expect(server.requests.length).toBe(1)
      await clock.advance(milliseconds(300))
      await Promise.all([inLine, late])
      expect(server.requests.length).toBe(3)
    },
  )
})

describe('a store for who leads', () => {
  test('a write that waits for its turn when the term ends does not leave; reads do', async () => {
    const { server, store, clock } = await setUp((_, response) => sendJson(response, 200, POOL), {
      rateLimit: { requestsPerSecond: 10, burst: 1 },
    })
    let isLeading = true
    const fenced = createFencedStore(store, () => isLeading)
    const patch: Patch = { type: 'merge', body: {} }
    await fenced.patch(IP_POOLS, KEY, patch)
    const refused = [
      fenced.patch(IP_POOLS, KEY, patch),
      fenced.create(IP_POOLS, POOL),
      fenced.update(IP_POOLS, POOL),
      fenced.delete(IP_POOLS, KEY),
    ].map((write) => expect(write).rejects.toThrow(NotLeadingError))
    const read = fenced.get(IP_POOLS, KEY)

    isLeading = false
    await clock.advance(seconds(1))
    await Promise.all(refused)
    await read

    expect(server.requests.map(({ method }) => method)).toEqual(['PATCH', 'GET'])
  })
})

describe('answers become errors', () => {
  test.each([
    ['404', 404, status(404, 'NotFound', 'not found', { name: 'net-48' }), NotFoundError],
    ['404 about no object', 404, status(404, 'NotFound', 'the server could not find it'), KindNotServedError],
    ['409 AlreadyExists', 409, status(409, 'AlreadyExists', 'already exists'), AlreadyExistsError],
    ['409 Conflict', 409, status(409, 'Conflict', 'the object has been modified'), ConflictError],
    ['410', 410, status(410, 'Expired', 'too old'), ExpiredError],
    ['401', 401, status(401, 'Unauthorized', 'Unauthorized'), ForbiddenError],
    ['403', 403, status(403, 'Forbidden', 'may not'), ForbiddenError],
    ['400', 400, status(400, 'BadRequest', 'bad request'), InvalidObjectError],
    ['422', 422, status(422, 'Invalid', 'spec.serverIP: Invalid value'), InvalidObjectError],
    ['500', 500, status(500, 'InternalError', 'etcd is down'), UnavailableError],
    ['503', 503, status(503, 'ServiceUnavailable', 'not ready'), UnavailableError],
  ])('%s, with the message of the server', async (_, code, body, error) => {
    const { store } = await setUp((_, response) => sendJson(response, code, body))
    const failure = store.get(IP_POOLS, KEY)
    await expect(failure).rejects.toBeInstanceOf(error)
    await expect(failure).rejects.toMatchObject({ code, message: body.message })
  })

  test.each([
    ['429 with Retry-After', 429, {}, { 'retry-after': '7' }, 7],
    ['503 with Retry-After', 503, {}, { 'retry-after': '7' }, 7],
    ['429 with details', 429, { retryAfterSeconds: 3 }, {}, 3],
    ['429 without', 429, {}, {}, undefined],
    ['429 for longer than anybody should wait', 429, {}, { 'retry-after': '999999' }, 300],
  ])('%s is throttling', async (_, code, details, headers, retryAfterSeconds) => {
    const { store } = await setUp((_, response) =>
      sendJson(response, code, status(code, 'TooManyRequests', 'slow down', details), headers),
    )
    const failure = store.get(IP_POOLS, KEY)
    await expect(failure).rejects.toBeInstanceOf(ThrottledError)
    await expect(failure).rejects.toMatchObject({ retryAfterSeconds })
  })

  test.each<[string, Answer]>([
    ['a reset', (_, response) => response.destroy()],
    [
      'an answer that is cut',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('{"a', () => response.destroy())
      },
    ],
    ['an answer that is not JSON', (_, response) => response.end('<html>')],
    ['an answer that is no object', (_, response) => sendJson(response, 200, { items: [] })],
    ['a 502 with HTML', (_, response) => response.writeHead(502).end('<html>Bad gateway</html>')],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/login' }).end()],
  ])('%s means unavailable', async (_, answer) => {
    const { store } = await setUp(answer)
    await expect(store.patch(IP_POOLS, KEY, { type: 'merge', body: {} })).rejects.toBeInstanceOf(
      UnavailableError,
    )
  })

  test('an object without the namespace that it needs is refused here', async () => {
    const { store } = await setUp((_, response) => sendJson(response, 200, POOL))
    await expect(store.create(IP_POOLS, { metadata: { name: 'a' } })).rejects.toBeInstanceOf(
      InvalidObjectError,
    )
  })

  test('a server that is not there is unavailable, with the cause', async () => {
    const { server, store } = await setUp(() => {})
    await server.close()
    await expect(store.get(IP_POOLS, KEY)).rejects.toMatchObject({
      name: 'UnavailableError',
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('a request that is never answered times out', async () => {
    const { server, store, clock } = await setUp(() => {}, { requestTimeout: seconds(20) })
    const failure = expect(store.get(IP_POOLS, KEY)).rejects.toMatchObject({
      name: 'UnavailableError',
      message: 'no answer within 20 s',
    })
    await until(() => server.requests.length === 1)
    await clock.advance(seconds(20))
    await failure
    expect(clock.pending).toBe(0)
  })

  test('close ends what is under way', async () => {
    const { server, store } = await setUp(() => {})
    const failure = expect(store.get(IP_POOLS, KEY)).rejects.toMatchObject({
      message: 'the client is closed',
    })
    await until(() => server.requests.length === 1)
    store.close()
    await failure
    await expect(store.get(IP_POOLS, KEY)).rejects.toBeInstanceOf(UnavailableError)
  })
})

describe('a kept connection that the server closes as it is used', () => {
  const closingSecond: Answer = ({ method }, response) => {
    if (method === 'GET') sendJson(response, 200, POOL)
    else response.destroy()
  }

  test('is replaced for a read', async () => {
    let count = 0
    const { store } = await setUp((_, response) => {
      count += 1
      if (count === 2) response.destroy()
      else sendJson(response, 200, POOL)
    })
    await store.get(IP_POOLS, KEY)
    await store.get(IP_POOLS, KEY)
    expect(count).toBe(3)
  })

  test('fails a write, which may have taken effect', async () => {
    const { server, store } = await setUp(closingSecond)
    await store.get(IP_POOLS, KEY)
    await expect(store.create(IP_POOLS, POOL)).rejects.toBeInstanceOf(UnavailableError)
    expect(server.requests.length).toBe(2)
  })
})

describe('list', () => {
  const page = (names: string[], next?: string) => ({
    kind: 'IPPoolList',
    metadata: { resourceVersion: '40', ...(next === undefined ? {} : { continue: next }) },
    items: names.map((name) => ({ metadata: { name, namespace: 'default' } })),
  })

  test('reads page after page and says what kind the items are', async () => {
    const { server, store } = await setUp(({ query }, response) =>
      sendJson(response, 200, query.continue === 'more' ? page(['b']) : page(['a'], 'more')),
    )
    const list = await store.list(IP_POOLS, { labelSelector: 'a=b', fieldSelector: 'metadata.name=a' })
    expect(list.items.map((item) => [item.metadata.name, item.kind])).toEqual([
      ['a', 'IPPool'],
      ['b', 'IPPool'],
    ])
    expect(list.resourceVersion).toBe('40')
    expect(server.requests[1]?.path).toBe('/apis/network.harvesterhci.io/v1alpha1/ippools')
    expect(server.requests[1]?.query).toEqual({
      limit: '500',
      continue: 'more',
      labelSelector: 'a=b',
      fieldSelector: 'metadata.name=a',
    })
  })

  test('starts again when its pages expire in the middle, a few times', async () => {
    let expirations = 1
    const { server, store } = await setUp(({ query }, response) => {
      if (query.continue === undefined) sendJson(response, 200, page(['a'], 'more'))
      else if (expirations-- > 0) sendJson(response, 410, status(410, 'Expired', 'continue expired'))
      else sendJson(response, 200, page(['b']))
    })
    expect((await store.list(IP_POOLS)).items.length).toBe(2)
    expirations = 100
    await expect(store.list(IP_POOLS)).rejects.toBeInstanceOf(ExpiredError)
    expect(server.requests.length).toBe(4 + 6)
  })

  test('from a server that sends the same page for ever is given up', async () => {
    const { store } = await setUp((_, response) => sendJson(response, 200, page(['a'], 'more')))
    await expect(store.list(IP_POOLS)).rejects.toBeInstanceOf(UnavailableError)
  })

  test('one object that cannot be read takes no other away, and is not taken for deleted', async () => {
    const odd = {
      metadata: { name: 'odd', namespace: 'default', resourceVersion: '7', labels: { a: 1 } },
      spec: 1,
    }
    const { store } = await setUp((_, response) =>
      sendJson(response, 200, { ...page([]), items: [odd, 'nothing', { metadata: {} }, POOL] }),
    )
    const { items } = await store.list(IP_POOLS)
    expect(items).toEqual([
      {
        apiVersion: 'network.harvesterhci.io/v1alpha1',
        kind: 'IPPool',
        metadata: { name: 'odd', namespace: 'default', resourceVersion: '7' },
        spec: 1,
      },
      POOL,
    ])
  })

  test('of nothing is empty, also as null', async () => {
    const { store } = await setUp((_, response) =>
      sendJson(response, 200, { metadata: { resourceVersion: '3' }, items: null }),
    )
    expect(await store.list(IP_POOLS)).toEqual({ items: [], resourceVersion: '3' })
  })
})

describe('watch', () => {
  const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`

  async function watching() {
    const streams: ServerResponse[] = []
    const { server, store, clock } = await setUp((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.flushHeaders()
      streams.push(response)
    })
    const events: WatchEvent[] = []
    const ends: (Error | undefined)[] = []
    const handle = store.watch(
      IP_POOLS,
      { namespace: 'default', resourceVersion: '7' },
      { event: (event) => events.push(event), ended: (error) => ends.push(error) },
    )
    await until(() => streams.length === 1)
    const send = (text: string | Buffer) => streams[0]?.write(text)
    return { server, store, clock, events, ends, handle, send, stream: () => streams[0] }
  }

  test('reports events and bookmarks, whatever the chunks, until the server closes', async () => {
    const { server, events, ends, send, stream } = await watching()
    const pool = { ...POOL, spec: { note: 'fünf' } }
    const bytes = Buffer.from(
      line('ADDED', pool) + line('BOOKMARK', { metadata: { resourceVersion: '9' } }) + line('DELETED', POOL),
    )
    for (let index = 0; index < bytes.length; index += 7) {
      send(bytes.subarray(index, index + 7))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => events.length === 3)
    stream()?.end()
    await until(() => ends.length === 1)
    expect(events).toEqual([
      { type: 'ADDED', object: pool },
      { type: 'BOOKMARK', resourceVersion: '9' },
      { type: 'DELETED', object: POOL },
    ])
    expect(ends).toEqual([undefined])
    const { timeoutSeconds, ...query } = server.requests[0]?.query ?? {}
    expect(query).toEqual({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '7' })
    expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(300)
    expect(Number(timeoutSeconds)).toBeLessThanOrEqual(600)
  })

  test.each<[string, (watch: Awaited<ReturnType<typeof watching>>) => unknown, Record<string, unknown>]>([
    [
      'an ERROR event with 410',
      ({ send }) => send(line('ERROR', status(410, 'Expired', 'too old resource version'))),
      { name: 'ExpiredError', message: 'too old resource version' },
    ],
    [
      'another ERROR event',
      ({ send }) => send(line('ERROR', status(500, 'InternalError', 'etcd is down'))),
      { name: 'UnavailableError', message: 'etcd is down' },
    ],
    ['a reset', ({ stream }) => stream()?.destroy(), { name: 'UnavailableError' }],
    [
      'a line that is not JSON',
      ({ send }) => send('{"type":\n'),
      { name: 'UnavailableError', cause: expect.objectContaining({ name: 'SyntaxError' }) },
    ],
    ['an event without an object', ({ send }) => send('{"type":"ADDED"}\n'), { name: 'UnavailableError' }],
    [
      'an end in the middle of a line',
      ({ stream }) => stream()?.end('{"type"'),
      { name: 'UnavailableError', cause: expect.objectContaining({ name: 'TruncatedLineError' }) },
    ],
  ])('%s ends it once, with the reason', async (_, happens, error) => {
    const watch = await watching()
    happens(watch)
    await until(() => watch.ends.length > 0)
    watch.handle.stop()
    await watch.clock.settle()
    expect(watch.ends).toEqual([expect.objectContaining(error)])
  })

  test('an event about something without a name is passed over; the others are heard', async () => {
    const { events, send } = await watching()
    send(`${JSON.stringify({ type: 'ADDED', object: { metadata: {} } })}\n`)
    send(`${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'odd', labels: 1 } } })}\n`)
    send(`${JSON.stringify({ type: 'ADDED', object: POOL })}\n`)
    await until(() => events.length === 2)
    expect(events).toMatchObject([{ object: { metadata: { name: 'odd' } } }, { object: POOL }])
  })

  test('a line without an end does not fill the memory', async () => {
    const watch = await watching()
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    for (let count = 0; count < 20 && watch.ends.length === 0; count += 1) {
      watch.send(chunk)
      await watch.clock.settle()
    }
    await until(() => watch.ends.length === 1)
    expect(watch.ends[0]?.cause).toBeInstanceOf(LineTooLongError)
  })

  test('stop ends it once, closes the connection and silences it', async () => {
    const { events, ends, handle, send, stream } = await watching()
    handle.stop()
    send(line('ADDED', POOL))
    await until(() => stream()?.destroyed ?? false)
    await until(() => ends.length === 1)
    handle.stop()
    expect([events, ends]).toEqual([[], [undefined]])
  })

  test('a refused one ends with the error', async () => {
    const { store } = await setUp((_, response) => sendJson(response, 410, status(410, 'Expired', 'too old')))
    const error = await new Promise((resolve) => {
      store.watch(IP_POOLS, { resourceVersion: '1' }, { event: () => {}, ended: resolve })
    })
    expect(error).toBeInstanceOf(ExpiredError)
  })

  test('one whose head never comes times out; one that is open does not', async () => {
    const open = await watching()
    await open.clock.advance(seconds(600))
    expect(open.ends).toEqual([])
    const { server, store, clock } = await setUp(() => {})
    const ended = new Promise((resolve) => {
      store.watch(IP_POOLS, { resourceVersion: '1' }, { event: () => {}, ended: resolve })
    })
    await until(() => server.requests.length === 1)
    await clock.advance(seconds(30))
    expect(await ended).toBeInstanceOf(UnavailableError)
  })
})

describe('credentials', () => {
  const pem = (name: string) => readFileSync(join(import.meta.dirname, 'tls', name))
  const base64 = (name: string) => pem(name).toString('base64')

  test('a TLS server is checked against its CA, and gets the certificate and the token', async () => {
    const tls = { key: pem('server.key'), cert: pem('server.crt'), ca: pem('ca.crt'), requestCert: true }
    const server = await startScriptedServer((_, response) => sendJson(response, 200, POOL), {
      ...tls,
      rejectUnauthorized: true,
    })
    onTestFinished(() => server.close())
    const token = join(await temporaryDirectory(), 'token')
    await writeFile(token, 'secret\n')
    const kubeconfig = await temporaryKubeconfig(server.url, {
      cluster: { 'certificate-authority-data': base64('ca.crt') },
      user: {
        'client-certificate-data': base64('client.crt'),
        'client-key-data': base64('client.key'),
        'token-file': token,
      },
    })
    const store = createKubeStore({ kubeconfig, clock: new ManualClock(), log: recordingLog().log })
    await store.get(IP_POOLS, KEY)
    await store.get(IP_POOLS, KEY)
    store.close()
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret')
    expect(server.connections.size).toBe(1)
  })

  test('a TLS server that is not signed by the CA is unavailable', async () => {
    const server = await startScriptedServer((_, response) => sendJson(response, 200, POOL), {
      key: pem('server.key'),
      cert: pem('server.crt'),
    })
    onTestFinished(() => server.close())
    const kubeconfig = await temporaryKubeconfig(server.url)
    const store = createKubeStore({ kubeconfig, clock: new ManualClock(), log: recordingLog().log })
    await expect(store.get(IP_POOLS, KEY)).rejects.toMatchObject({ name: 'UnavailableError' })
    expect(server.requests).toEqual([])
    store.close()
  })

  test('never go over plain HTTP', async () => {
    const { server } = await setUp((_, response) => sendJson(response, 200, POOL))
    const kubeconfig = await temporaryKubeconfig(server.url, { user: { token: 'secret' } })
    const store = createKubeStore({ kubeconfig, clock: new ManualClock(), log: recordingLog().log })
    await store.get(IP_POOLS, KEY)
    store.close()
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })
})

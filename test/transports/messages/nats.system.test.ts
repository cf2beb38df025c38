import { createConnection } from 'node:net'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { milliseconds, seconds } from '../../../src/api/values/time.ts'
import type { Clock } from '../../../src/runtime/clock.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import {
  DisconnectedError,
  MessageTooLargeError,
  NoResponderError,
  NotPermittedError,
} from '../../../transports/messages/errors.ts'
import {
  connectNatsTransport,
  type NatsTransport,
  type NatsTransportOptions,
} from '../../../transports/messages/nats.ts'
import { freePort, type NatsServer, startNatsServer } from '../../support/nats-server.ts'
import { describeTransport } from './contract.ts'

const LATER = { timeout: seconds(5) }
let lines: Record<string, unknown>[] = []
const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) })
const opened: NatsTransport[] = []
const servers: NatsServer[] = []

function open(url: string, options: Partial<NatsTransportOptions> = {}): NatsTransport {
  const transport = connectNatsTransport({ servers: url, name: 'test', clock: systemClock, log, ...options })
  opened.push(transport)
  return transport
}

async function startServer(config = ''): Promise<NatsServer> {
  const server = await startNatsServer(config)
  servers.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
  lines = []
})

let shared: NatsServer
beforeAll(async () => {
  // As it is deployed.
  shared = await startNatsServer('max_payload: 4MB')
})
afterAll(() => shared.close())

describeTransport('nats', async () => {
  const transport = open(shared.url)
  await transport.whenConnected()
  return {
    transport,
    async settle() {
      // What the broker sent before its answer to the flush has been handed over.
      if (transport.connected()) await transport.flush()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
})

test('two processes share the requests of a queue, and both hear events', async () => {
  const [one, two, asker] = [open(shared.url), open(shared.url), open(shared.url)]
  await Promise.all([one, two, asker].map((transport) => transport.whenConnected()))
  const heard: unknown[] = []
  for (const transport of [one, two]) {
    transport.serve('who', async () => ({ body: transport === one ? 'one' : 'two' }), { queue: 'q' })
    transport.subscribe('news', (message) => {
      heard.push(message.body)
    })
    await transport.flush()
  }
  const answers = new Set<unknown>()
  for (let count = 0; count < 50; count++) answers.add((await asker.request('who', { body: 0 }, LATER)).body)
  expect(answers).toEqual(new Set(['one', 'two']))
  asker.publish('news', { body: 'x' })
  await expect.poll(() => heard).toEqual(['x', 'x'])
})

describe('while the broker is away', () => {
  test('a process starts, fails requests at once, drops publishes, and is complete when it comes', async () => {
    const server = await startServer()
    await server.kill()
    const transport = open(server.url)
    const heard: unknown[] = []
    transport.subscribe('a', (message) => {
      heard.push(message.body)
    })
    transport.serve('b', async () => ({ body: 'served' }))
    expect(transport.connected()).toBe(false)
    await expect(transport.request('b', { body: 1 }, LATER)).rejects.toThrow(DisconnectedError)
    transport.publish('a', { body: 'lost' })
    expect(transport.stats()).toMatchObject({ published: 0, droppedUnsent: 1 })

    await server.restart()
    await transport.whenConnected()
    transport.publish('a', { body: 'heard' })
    await expect.poll(() => heard).toEqual(['heard'])
    expect((await transport.request('b', { body: 1 }, LATER)).body).toBe('served')
  })

  test('a killed broker fails what is under way; when it is back, subscriptions resume', async () => {
    const server = await startServer()
    const transport = open(server.url)
    await transport.whenConnected()
    const heard: unknown[] = []
    transport.subscribe('a', (message) => {
      heard.push(message.body)
    })
    let asked = false
    transport.serve('never', () => {
      asked = true
      return new Promise(() => {})
    })
    transport.serve('b', async () => ({ body: 'served' }))
    const underWay = transport.request('never', { body: 1 }, { timeout: seconds(60) })
    const failure = expect(underWay).rejects.toThrow(DisconnectedError)
    await expect.poll(() => asked).toBe(true)

    await server.kill()
    await failure
    await expect.poll(() => transport.connected()).toBe(false)
    await expect(transport.request('b', { body: 1 }, LATER)).rejects.toThrow(DisconnectedError)
    transport.publish('a', { body: 'lost' })

    await server.restart()
    await expect.poll(() => transport.connected(), { timeout: 20_000 }).toBe(true)
    transport.publish('a', { body: 'heard' })
    await expect.poll(() => heard).toEqual(['heard'])
    expect((await transport.request('b', { body: 1 }, LATER)).body).toBe('served')
    const said = lines.map((line) => line.msg)
    expect(said).toContain('message broker lost')
    expect(said).toContain('message broker is back')
  })

  test('a subscription made and one ended meanwhile are so when it is back', async () => {
    const server = await startServer()
    const transport = open(server.url)
    await transport.whenConnected()
    const ended = vi.fn()
    const subscription = transport.subscribe('a', ended)
    await server.kill()
    await expect.poll(() => transport.connected()).toBe(false)
    subscription.unsubscribe()
    const made = vi.fn()
    transport.subscribe('a', made)
    await server.restart()
    await expect.poll(() => transport.connected(), { timeout: 20_000 }).toBe(true)
    transport.publish('a', { body: 1 })
    await expect.poll(() => made.mock.calls.length).toBe(1)
    expect(ended).not.toHaveBeenCalled()
  })

  test('close does not wait for it', async () => {
    const server = await startServer()
    const transport = open(server.url)
    await transport.whenConnected()
    await server.kill()
    await expect.poll(() => transport.connected()).toBe(false)
    await transport.close()
    const neverMet = open(server.url)
    const waiting = expect(neverMet.whenConnected()).rejects.toThrow('closed')
    await neverMet.close()
    await waiting
  })

  test('the same failure is logged once', async () => {
    const port = await freePort()
    let attempts = 0
    const clock: Clock = {
      now: systemClock.now,
      after(_delay, action) {
        attempts++
        return systemClock.after(milliseconds(5), action)
      },
    }
    open(`nats://127.0.0.1:${port}`, { clock })
    await expect.poll(() => attempts).toBeGreaterThan(5)
    expect(lines.filter((line) => line.msg === 'message broker not reached, trying on')).toHaveLength(1)
  })
})

test('a broker that stalls with the connection open does not fill the memory', async () => {
  const server = await startServer()
  const transport = open(server.url)
  await transport.whenConnected()
  server.signal('SIGSTOP')
  const body = 'x'.repeat(500_000)
  for (let count = 0; count < 400; count++) transport.publish('a', { body })
  const { published, droppedUnsent } = transport.stats()
  expect(published + droppedUnsent).toBe(400)
  expect(published * body.length).toBeLessThan(70 * 1024 * 1024)
  server.signal('SIGCONT')
  await transport.flush()
  transport.publish('a', { body })
  expect(transport.stats().published).toBe(published + 1)
})

describe('a broker with users and permissions', () => {
  const config = `
    authorization {
      users: [
        { user: agent, password: "p w", permissions: {
          publish: { allow: ["mdhcp.event.>", "mdhcp.cmd.>"], deny: ["mdhcp.cmd.secret"] }
          subscribe: { allow: ["_INBOX_agent.>", "mdhcp.cmd.agent.>"] }
          allow_responses: true } }
        { user: controller, password: c }
      ]
    }
    max_payload: 10000`

  test('what is not permitted is logged once by subject, and a request fails with that reason', async () => {
    const server = await startServer(config)
    const controller = open(`nats://controller:c@127.0.0.1:${server.port}`)
    const agent = open(server.url, {
      credentials: { kind: 'password', user: 'agent', password: 'p w' },
      inboxPrefix: '_INBOX_agent',
    })
    await Promise.all([controller.whenConnected(), agent.whenConnected()])
    controller.serve('mdhcp.cmd.open', async () => ({ body: 'yes' }))
    await controller.flush()

    expect((await agent.request('mdhcp.cmd.open', { body: 1 }, LATER)).body).toBe('yes')
    await expect(agent.request('mdhcp.cmd.secret', { body: 1 }, LATER)).rejects.toThrow(NotPermittedError)
    agent.subscribe('mdhcp.cmd.pool', () => {})
    for (let count = 0; count < 5; count++) agent.publish('elsewhere', { body: 1 })
    await agent.flush()
    await expect
      .poll(() =>
        lines.filter(
          (line) => /^the message broker does not permit this/.test(String(line.msg)) && line.level === 50,
        ),
      )
      .toMatchObject([
        { operation: 'publish', subject: 'mdhcp.cmd.secret' },
        { operation: 'subscription', subject: 'mdhcp.cmd.pool' },
        { operation: 'publish', subject: 'elsewhere' },
      ])
    // The rest goes on.
    expect((await agent.request('mdhcp.cmd.open', { body: 1 }, LATER)).body).toBe('yes')
  })

  test("the broker's own limit of size is respected", async () => {
    const server = await startServer(config)
    const controller = open(`nats://controller:c@127.0.0.1:${server.port}`)
    await controller.whenConnected()
    const body = 'x'.repeat(20_000)
    expect(() => controller.publish('a', { body })).toThrow(MessageTooLargeError)
    await expect(controller.request('a', { body }, LATER)).rejects.toThrow(/20002 bytes.*10000/)
    controller.serve('large', async () => ({ body }))
    await controller.flush()
    await expect(controller.request('large', { body: 1 }, LATER)).rejects.toThrow(/20002 bytes/)
  })

  test('a refused password is logged, and a process gets in when its secret is right again', async () => {
    const server = await startServer(config)
    const transport = open(`nats://controller:wrong@127.0.0.1:${server.port}`)
    await expect
      .poll(() => lines.map((line) => JSON.stringify(line)).find((line) => line.includes('Authorization')), {
        timeout: 10_000,
      })
      .toBeDefined()
    expect(JSON.stringify(lines)).not.toContain('wrong')
    await server.restart(config.replace('password: c', 'password: wrong'))
    await expect.poll(() => transport.connected(), { timeout: 20_000 }).toBe(true)
  })

  test('a secret that changes while connected is waited out', async () => {
    const server = await startServer(config)
    const transport = open(`nats://controller:c@127.0.0.1:${server.port}`)
    await transport.whenConnected()
    transport.serve('a', async () => ({ body: 1 }))
    await server.restart(config.replace('password: c', 'password: other'))
    await expect
      .poll(() => lines.filter((line) => line.code === 'AUTHORIZATION_VIOLATION').length, { timeout: 10_000 })
      .toBeGreaterThan(2)
    await server.restart(config)
    await expect.poll(() => transport.connected(), { timeout: 20_000 }).toBe(true)
    expect((await transport.request('a', { body: 1 }, LATER)).body).toBe(1)
  })

  test('a subscription that was refused works once it is permitted', async () => {
    const server = await startServer(config)
    const agent = open(`nats://agent:p%20w@127.0.0.1:${server.port}`, { inboxPrefix: '_INBOX_agent' })
    await agent.whenConnected()
    agent.serve('mdhcp.cmd.pool', async () => ({ body: 'now' }))
    await expect.poll(() => lines.map((line) => line.subject)).toContain('mdhcp.cmd.pool')
    await server.restart(config.replace('"mdhcp.cmd.agent.>"', '"mdhcp.cmd.>"'))
    await expect.poll(() => agent.connected(), { timeout: 20_000 }).toBe(true)
    await expect
      .poll(() => agent.request('mdhcp.cmd.pool', { body: 1 }, LATER).catch(String), { timeout: 10_000 })
      .toMatchObject({
        body: 'now',
      })
  })
})

test('garbage instead of messages is dropped and counted, garbage requests are told so', async () => {
  const transport = open(shared.url)
  await transport.whenConnected()
  const heard = vi.fn()
  transport.subscribe('raw', heard)
  transport.serve('raw.request', async () => ({ body: 1 }))
  await transport.flush()
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = createConnection(shared.port, '127.0.0.1')
    let text = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      text += String(chunk)
      if (!text.includes('not JSON')) return
      socket.destroy()
      resolve(text)
    })
    socket.write('CONNECT {"verbose":false,"headers":true}\r\nSUB reply 1\r\n')
    socket.write('PUB raw 3\r\n{x}\r\nPUB raw 0\r\n\r\nPUB raw.request reply 4\r\noops\r\n')
  })
  expect(answer).toContain('mdhcp-error')
  expect(heard).not.toHaveBeenCalled()
  expect(transport.stats().droppedInvalid).toBe(3)
})

test('a request to nobody is quick, not a time-out', async () => {
  const transport = open(shared.url)
  await transport.whenConnected()
  await expect(transport.request('nobody', { body: 1 }, { timeout: seconds(3600) })).rejects.toThrow(
    NoResponderError,
  )
})

test('a server has only so many requests under way: the rest is dropped and counted', async () => {
  const transport = open(shared.url, { pendingLimit: 2 })
  await transport.whenConnected()
  const handler = vi.fn(() => new Promise<never>(() => {}))
  transport.serve('stuck', handler)
  for (let body = 0; body < 5; body++) {
    transport.request('stuck', { body }, { timeout: seconds(60) }).catch(() => {})
  }
  await expect.poll(() => transport.stats().droppedOverflow).toBe(3)
  expect(handler).toHaveBeenCalledTimes(2)
})

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { commandSubject, eventSubject } from '../../transports/messages/subjects.ts'
import { type DeployedBroker, startDeployedBroker } from './support/deployed-broker.ts'
import { buildOverlay } from './support/kustomize.ts'
import { connectRaw, NatsRefusedError, type RawNats } from './support/nats-protocol.ts'

/** One that the broker would take for a number, one with its own signs, one with spaces. */
const SECRET = { 'controller-password': '12345678', 'agent-password': '1e9', 'tap-password': '$x{} #a b' }
type User = 'controller' | 'agent' | 'tap'

const pool = { namespace: 'default', name: 'net-48.example' }
const command = (verb: string) => commandSubject('pool', pool, verb)
const vmCommand = commandSubject('vm', pool, 'allocate')
const delta = eventSubject('pool', pool, 'delta')
const leaseAllocated = eventSubject('pool', pool, 'lease-allocated')
const addressAssigned = eventSubject('vm', pool, 'address-assigned')
const ack = eventSubject('dhcp', pool, 'ack')

let broker: DeployedBroker
let connection: RawNats | undefined
beforeAll(async () => {
  broker = await startDeployedBroker(await buildOverlay('default'), { secret: SECRET })
})
afterAll(() => broker.close())
afterEach(() => connection?.close())

async function as(user: User): Promise<RawNats> {
  connection = await connectRaw(broker.port, { user, pass: SECRET[`${user}-password`] })
  return connection
}

test('the broker of the default overlay is healthy, and shows no password in its log', async () => {
  expect((await fetch(`${broker.monitor}/healthz`)).status).toBe(200)
  for (const password of Object.values(SECRET)) expect(broker.output()).not.toContain(password)
})

test.each<[string, { user?: string; pass?: string }]>([
  ['without credentials', {}],
  ['with a wrong password', { user: 'agent', pass: 'guess' }],
  ['with the password of another', { user: 'controller', pass: SECRET['agent-password'] }],
  ['with an empty password', { user: 'tap', pass: '' }],
])('nobody gets in %s', async (_, credentials) => {
  await expect(connectRaw(broker.port, credentials)).rejects.toThrow(NatsRefusedError)
})

describe('the controller', () => {
  test.each([
    command('allocate'),
    command('release'),
    delta,
    leaseAllocated,
    addressAssigned,
    '_INBOX_agent.a.1',
    '_INBOX_controller.a.1',
  ])('publishes %s', async (subject) => {
    expect(await (await as('controller')).mayPublish(subject)).toBe(true)
  })

  test.each([ack, vmCommand, '_INBOX_tap.a', '_INBOX.a', 'other', '$SYS.REQ.SERVER.PING'])(
    'does not publish %s',
    async (subject) => {
      expect(await (await as('controller')).mayPublish(subject)).toBe(false)
    },
  )

  test.each([command('allocate'), command('snapshot'), command('agent-report'), '_INBOX_controller.a.*'])(
    'listens to %s',
    async (subject) => {
      expect(await (await as('controller')).maySubscribe(subject)).toBe(true)
    },
  )

  test.each(['>', 'mdhcp.>', 'mdhcp.cmd.>', vmCommand, '_INBOX_agent.>', '_INBOX.>'])(
    'does not listen to %s',
    async (subject) => {
      expect(await (await as('controller')).maySubscribe(subject)).toBe(false)
    },
  )
})

describe('an agent', () => {
  test.each([command('snapshot'), command('agent-report'), ack])('publishes %s', async (subject) => {
    expect(await (await as('agent')).mayPublish(subject)).toBe(true)
  })

  test.each([
    command('allocate'),
    command('release'),
    delta,
    leaseAllocated,
    addressAssigned,
    '_INBOX_agent.a.1',
    '_INBOX_controller.a.1',
    'mdhcp.cmd.pool.x.snapshot',
    '$SYS.REQ.SERVER.PING',
  ])('does not publish %s', async (subject) => {
    expect(await (await as('agent')).mayPublish(subject)).toBe(false)
  })

  test.each([delta, '_INBOX_agent.a.*'])('listens to %s', async (subject) => {
    expect(await (await as('agent')).maySubscribe(subject)).toBe(true)
  })

  test.each([
    '>',
    'mdhcp.event.>',
    'mdhcp.cmd.>',
    command('allocate'),
    command('snapshot'),
    ack,
    '_INBOX_controller.>',
    '_INBOX.>',
  ])('does not listen to %s', async (subject) => {
    expect(await (await as('agent')).maySubscribe(subject)).toBe(false)
  })
})

describe('a tap', () => {
  test.each(['mdhcp.event.>', delta, ack, 'mdhcp.event.vm.>'])('listens to %s', async (subject) => {
    expect(await (await as('tap')).maySubscribe(subject)).toBe(true)
  })

  test.each(['>', 'mdhcp.>', 'mdhcp.cmd.>', command('allocate'), '_INBOX_agent.>'])(
    'does not listen to %s: it would count as a responder',
    async (subject) => {
      expect(await (await as('tap')).maySubscribe(subject)).toBe(false)
    },
  )

  test.each([delta, command('allocate'), '_INBOX_agent.a', 'mdhcp.event.x', 'anything'])(
    'does not publish %s',
    async (subject) => {
      expect(await (await as('tap')).mayPublish(subject)).toBe(false)
    },
  )
})

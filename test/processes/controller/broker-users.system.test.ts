import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { poolCommands } from '../../../actors/pool/contracts.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { requestCommand } from '../../../transports/messages/contract.ts'
import { NotPermittedError } from '../../../transports/messages/errors.ts'
import { connectNatsTransport, type NatsTransport } from '../../../transports/messages/nats.ts'
import { run } from '../../cli/support.ts'
import { uniqueName } from '../../kubernetes-api/target.ts'
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { type Cluster, openCluster } from './support/cluster.ts'
import { type Replica, startReplica } from './support/replica.ts'
import { eventually } from './world.ts'

/** The users that are deployed. */
const AUTHORIZATION = readFileSync(
  new URL('../../../deploy/base/nats/authorization.conf', import.meta.url),
  'utf8',
).replaceAll(/\$(\w+)_PASSWORD/g, (_, user: string) => `"secret of ${user.toLowerCase()}"`)

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const loginOf = (user: string, password = `secret of ${user}`) => ({
  NATS_USER: user,
  NATS_PASSWORD: password,
})

async function startBroker(configuration = AUTHORIZATION): Promise<NatsServer> {
  const broker = await startNatsServer(configuration)
  closers.push(() => broker.close())
  return broker
}

async function startController(broker: NatsServer, password?: string): Promise<[Replica, Cluster]> {
  const cluster = await openCluster(uniqueName('users'))
  closers.push(() => cluster.close())
  const replica = await startReplica({
    name: 'controller',
    kubeconfig: cluster.kubeconfig,
    namespace: cluster.namespace,
    nats: broker.url,
    environment: loginOf('controller', password),
  })
  closers.push(() => replica.end('SIGKILL'))
  return [replica, cluster]
}

async function connect(broker: NatsServer, user: string): Promise<NatsTransport> {
  const transport = connectNatsTransport({
    servers: broker.url,
    name: user,
    clock: systemClock,
    log: recordingLog().log,
    environment: loginOf(user),
  })
  closers.push(() => transport.close())
  await transport.whenConnected()
  return transport
}

test('with the users that are deployed the controller can do all that it must', async () => {
  const broker = await startBroker()
  const tap = await connect(broker, 'tap')
  const seen = new Set<string>()
  tap.subscribe('mdhcp.event.>', ({ subject }) => seen.add(subject.split('.').slice(0, 3).join('.')))
  const [controller, cluster] = await startController(broker)
  await cluster.ask('a', 'b', 'c')
  await cluster.untilServed()

  await eventually(async () => expect([...seen].sort()).toEqual(['mdhcp.event.pool', 'mdhcp.event.vm']))
  await eventually(async () => expect(await controller.readiness()).toBe(200))
  expect(controller.stdout()).not.toMatch(/does not permit|secret of/)
})

test('an agent gets snapshots, and cannot ask for addresses; a tap cannot say anything', async () => {
  const broker = await startBroker()
  const [, cluster] = await startController(broker)
  await cluster.ask('a')
  await cluster.untilServed()
  const [agent, tap] = await Promise.all([connect(broker, 'agent'), connect(broker, 'tap')])
  const subject = (verb: string) => `mdhcp.cmd.pool.${cluster.namespace}.net.${verb}`

  const once = { clock: systemClock, id: 'one', timeout: seconds(2) }
  const reply = await requestCommand(agent, poolCommands.snapshot, subject('snapshot'), {}, once)
  expect(reply).toMatchObject({ outcome: 'snapshot' })
  await expect(agent.request(subject('allocate'), { body: {} }, { timeout: seconds(2) })).rejects.toThrow(
    NotPermittedError,
  )
  tap.publish('mdhcp.event.pool.default.net.delta', { body: {} })
  await tap.flush()
  await eventually(async () =>
    expect(tap.problems()).toEqual([
      'messages: the broker does not permit this process the publication of mdhcp.event.pool.default.net.delta',
    ]),
  )
})

test('a controller that the broker refuses says so, goes on trying, and never tells its password', async () => {
  const broker = await startBroker()
  const [controller] = await startController(broker, 'outdated-password')

  await controller.says(
    /the message broker refuses the user .{0,2}controller.{0,2}; trying on: check NATS_USER/,
  )
  await eventually(async () => expect(await controller.readiness()).toBe(503))

  await broker.restart(AUTHORIZATION.replace('secret of controller', 'outdated-password'))
  await eventually(async () => expect(await controller.readiness()).toBe(200), 30_000)
  expect(controller.stdout() + controller.stderr()).not.toContain('outdated-password')
})

test('a controller that may not serve its commands is not ready, and says what is not permitted', async () => {
  const broker = await startBroker(
    AUTHORIZATION.replace('subscribe { allow: ["mdhcp.cmd.pool.>", ', 'subscribe { allow: ['),
  )
  const [controller] = await startController(broker)

  await controller.says(/the message broker does not permit this to the user .{0,2}controller/)
  await eventually(async () => expect(await controller.readiness()).toBe(503))

  await broker.restart(AUTHORIZATION)
  await eventually(async () => expect(await controller.readiness()).toBe(200), 30_000)
})

test.each([{ NATS_USER: 'controller' }, { NATS_PASSWORD: 'p' }, { NATS_USER: 'a.b', NATS_PASSWORD: 'p' }])(
  'half a login, or a user that is none, is refused in one line: %o',
  async (environment) => {
    const cluster = await openCluster(uniqueName('users'))
    closers.push(() => cluster.close())
    const flags = [
      '--kubeconfig',
      cluster.kubeconfig,
      '--nats',
      'nats://127.0.0.1:1',
      '--health',
      '127.0.0.1:0',
    ]
    const { code, stderr } = await run(['controller', ...flags], environment)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^managed-dhcp: NATS_(USER|PASSWORD) .*\n$/)
  },
)

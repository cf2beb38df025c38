import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { uniqueName } from '../../kubernetes-api/target.ts'
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts'
import { type Cluster, openCluster } from './support/cluster.ts'
import { type Replica, startReplica } from './support/replica.ts'
import { eventually } from './world.ts'

/**
 * Slow on purpose, and a lease has to run out. What one of two leaders gives a VM that the other has just let go is
 * nobody's until a sweep finds it, within a minute.
 */
vi.setConfig({ testTimeout: 300_000 })

let nats: NatsServer
let cluster: Cluster
const replicas: Replica[] = []

beforeAll(async () => {
  nats = await startNatsServer()
})
afterAll(() => nats?.close())

beforeEach(async () => {
  cluster = await openCluster(uniqueName('two-leaders'))
})
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.end('SIGKILL')))
  await cluster?.close()
})

async function start(name: string, ...flags: string[]): Promise<Replica> {
  const { kubeconfig, namespace } = cluster
  const replica = await startReplica({ name, kubeconfig, nats: nats.url, namespace, flags })
  replicas.push(replica)
  await eventually(async () => expect(await replica.readiness()).toBe(200), 30_000)
  return replica
}

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

async function countServed(): Promise<number> {
  return (await cluster.pool()).status?.ipv4?.used ?? 0
}

test('a leader that is stopped with writes in its hands sends none of them when it wakes up', async () => {
  // So slow that its writes stand in line.
  const leader = await start('slow', '--kube-api-qps', '20', '--kube-api-burst', '20')
  await eventually(async () => expect(await leader.isLeading()).toBe(true), 20_000)
  const standby = await start('standby')
  const history = await cluster.record()
  await cluster.ask(...names('before', 120))
  await eventually(async () => expect(await countServed()).toBeGreaterThan(0), 60_000)
  const refused = await leader.refusedWrites()
  leader.signal('SIGSTOP')

  await eventually(async () => expect(await standby.isLeading()).toBe(true), 30_000)
  await cluster.untilServed(120)
  await cluster.giveBack('before-0', 'before-1', 'before-2')
  await cluster.ask(...names('meanwhile', 20))
  const meanwhile = await cluster.untilServed(120)
  const versions = await cluster.untilQuiet()

  leader.signal('SIGCONT')

  await eventually(async () => expect(await leader.refusedWrites()).toBeGreaterThan(refused))
  await eventually(async () => expect(await leader.readiness()).toBe(200))
  expect(await leader.isLeading()).toBe(false)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(await cluster.versions()).toEqual(versions)
  await cluster.ask('last')
  expect(await cluster.untilServed()).toMatchObject(meanwhile)
  await history.holdAgainstTheLaws()
})

test('two that lead at once, because nobody elects, waste work and break no law', async () => {
  const history = await cluster.record()
  const [one, other] = [
    await start('one', '--no-leader-election'),
    await start('other', '--no-leader-election'),
  ]

  await cluster.ask(...names('first', 60))
  await cluster.giveBack(...names('first', 10))
  await cluster.ask(...names('second', 60))
  await cluster.untilServed(120)
  await cluster.giveBack(...names('second', 20))
  await cluster.ask(...names('third', 40))
  const served = await cluster.untilServed(120)

  expect(Object.keys(served)).toHaveLength(130)
  for (const replica of [one, other]) expect(replica.stdout()).toMatch(/allocated to/)
  await history.holdAgainstTheLaws()
})

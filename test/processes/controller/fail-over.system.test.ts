import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { uniqueName } from '../../kubernetes-api/target.ts'
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts'
import { type Cluster, openCluster } from './support/cluster.ts'
import { type Replica, startReplica } from './support/replica.ts'
import { eventually } from './world.ts'

/** Leases run out, and what is waited for at each step has half a minute. */
vi.setConfig({ testTimeout: 180_000 })

let nats: NatsServer
let cluster: Cluster
let leader: Replica
let standby: Replica
const replicas: Replica[] = []

beforeAll(async () => {
  nats = await startNatsServer()
})
afterAll(() => nats?.close())

beforeEach(async () => {
  cluster = await openCluster(uniqueName('fail-over'))
  leader = await start('one')
  await untilLeading(leader)
  standby = await start('two')
  await eventually(async () => expect(await standby.readiness()).toBe(200), 30_000)
})
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.end('SIGKILL')))
  await cluster?.close()
})

async function start(name: string): Promise<Replica> {
  const { kubeconfig, namespace } = cluster
  const replica = await startReplica({ name, kubeconfig, nats: nats.url, namespace })
  replicas.push(replica)
  return replica
}

/** @returns how long that took, in seconds */
async function untilLeading(replica: Replica, begin = performance.now()): Promise<number> {
  await eventually(async () => expect(await replica.isLeading()).toBe(true), 30_000)
  return (performance.now() - begin) / 1000
}

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

test('of two controllers one leads, the other is ready too, and both say which', async () => {
  // Leading comes first, then the work.
  await eventually(async () => expect(await leader.readiness()).toBe(200))
  await eventually(async () => expect(await leader.isLeading()).toBe(true))
  expect(await standby.isLeading()).toBe(false)
  await leader.says(/this process leads/)
  expect(standby.stdout()).not.toMatch(/this process leads|controller started/)
})

test('when the leader is killed the standby goes on, and nobody loses an address', async ({ annotate }) => {
  await cluster.ask(...names('before', 20))
  const before = await cluster.untilServed()

  const killed = performance.now()
  await leader.end('SIGKILL')
  await cluster.ask(...names('after', 20))

  const took = await untilLeading(standby, killed)
  await annotate(`killed: the standby led after ${took.toFixed(1)} s`)
  expect(took).toBeLessThan(20)
  expect(await cluster.untilServed()).toMatchObject(before)
})

test('when the leader stops cleanly the standby takes over at once', async ({ annotate }) => {
  await cluster.ask(...names('before', 5))
  const before = await cluster.untilServed()

  const stopped = performance.now()
  leader.signal('SIGTERM')
  await cluster.ask('after')

  const took = await untilLeading(standby, stopped)
  await annotate(`stopped: the standby led after ${took.toFixed(1)} s`)
  expect(took).toBeLessThan(10)
  expect(await leader.whenEnded).toBe(0)
  expect(await cluster.untilServed()).toMatchObject(before)
})

test('while the broker is away VMs get their addresses all the same', async () => {
  await nats.close()
  try {
    await eventually(async () => expect(await leader.readiness()).toBe(503))
    await cluster.ask(...names('meanwhile', 20))
    expect(Object.keys(await cluster.untilServed())).toHaveLength(20)
  } finally {
    nats = await startNatsServer()
  }
})

test('a leader that slept while another took over does no harm, and stands by', async ({ annotate }) => {
  await cluster.ask(...names('before', 10))
  const before = await cluster.untilServed()
  const [first = '', ...kept] = Object.keys(before)
  // In the middle of its work.
  await cluster.ask(...names('burst', 40))
  leader.signal('SIGSTOP')

  const took = await untilLeading(standby)
  await annotate(`asleep: the standby led after ${took.toFixed(1)} s`)
  expect(took).toBeLessThan(20)
  await cluster.giveBack(first)
  await cluster.ask(...names('meanwhile', 20))
  const meanwhile = await cluster.untilServed()
  for (const name of kept) expect(meanwhile[name]).toBe(before[name])
  const versions = await cluster.untilQuiet()

  leader.signal('SIGCONT')

  await leader.says(/this process leads no longer/, 20)
  await eventually(async () => expect(await leader.readiness()).toBe(200))
  expect(await leader.isLeading()).toBe(false)
  // Who does not answer within a second seems not to lead.
  await eventually(async () => expect(await standby.isLeading()).toBe(true))
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(await cluster.versions()).toEqual(versions)

  // It is as good as new: it takes over again.
  await cluster.ask(...names('later', 10))
  expect(await cluster.untilServed()).toMatchObject(meanwhile)
  standby.signal('SIGTERM')
  expect(await untilLeading(leader)).toBeLessThan(10)
  await cluster.ask('last')
  expect(await cluster.untilServed()).toMatchObject(meanwhile)
})

import { describe, expect, test } from 'vitest'
import type { AgentDeployment, AgentPod } from '../../../actors/pool/agent-pods.ts'
import type { AgentReport } from '../../../actors/pool/contracts.ts'
import { condition, poolObject } from '../../support/objects.ts'
import { PoolDriver } from './driver.ts'

const NAMESPACE = 'harvester-system'
const pod = (name: string, changes: Partial<AgentPod> = {}): AgentPod => ({
  namespace: NAMESPACE,
  name,
  uid: `${name}-uid`,
  ready: true,
  terminating: false,
  createdAt: '2026-01-01T00:00:00Z',
  problem: undefined,
  ...changes,
})
const pods = (...list: AgentPod[]): AgentDeployment => ({ pods: list, problem: undefined })

class AgentWorld extends PoolDriver {
  static serving(...list: AgentPod[]): AgentWorld {
    const world = new AgentWorld()
    world.tell({ type: 'tick' })
    world.tell({
      type: 'pool-read',
      pool: poolObject({ status: { conditions: [condition('Registered', 'True')] } }),
    })
    world.tell({ type: 'registration-checked', registration: { registered: true } })
    if (list.length > 0) world.cluster(pods(...list))
    world.settle()
    return world
  }

  get revision(): number {
    return this.state.pool?.status?.ipv4?.revision ?? 0
  }

  cluster(deployment: AgentDeployment): void {
    this.tell({ type: 'agent-deployment', deployment })
    this.settle()
  }

  report(name: string, changes: Partial<AgentReport> = {}): void {
    const report = {
      uid: 'pool-uid',
      revision: this.revision,
      serving: true,
      pod: { namespace: NAMESPACE, name, uid: `${name}-uid` },
      ...changes,
    }
    this.tell({ type: 'agent-report', token: 1, report })
    this.settle()
  }

  later(count: number): void {
    this.pass(count)
    this.settle()
  }

  /** Carries out whatever is to be written. */
  settle(): void {
    while (this.all('commit').length > 0) this.commit()
  }

  get ready(): string {
    const found = this.state.pool?.status?.conditions?.find(({ type }) => type === 'AgentReady')
    return [found?.status, found?.reason, found?.message].filter((part) => part !== undefined).join(' ')
  }

  get ref(): string | undefined {
    return this.state.pool?.status?.agentPodRef?.name
  }
}

describe('an agent that is a pod', () => {
  test('without the broker it counts as serving for as long as its pod is ready', () => {
    const world = AgentWorld.serving(pod('first'))
    world.report('first')
    world.later(300)
    expect([world.ready, world.ref]).toEqual(['True', 'first'])

    world.cluster(pods(pod('first', { ready: false, problem: 'eth1 is down' })))

    expect(world.ready).toBe(
      'False AgentNotReady the agent harvester-system/first is not ready: eth1 is down',
    )
  })

  test('one that has never spoken to the broker is known by its pod', () => {
    const world = AgentWorld.serving(pod('first'))

    expect([world.ready, world.ref]).toEqual(['True', 'first'])
  })

  test('what it says of itself counts more than its pod', () => {
    const world = AgentWorld.serving(pod('first', { ready: false }))
    world.report('first')
    expect(world.ready).toBe('True')

    world.report('first', { serving: false, reason: 'InterfaceDown', message: 'eth1 is down' })

    expect(world.ready).toBe('False InterfaceDown eth1 is down')
  })

  test('its own word that it does not serve counts more than a probe that has not noticed', () => {
    const world = AgentWorld.serving(pod('first'))

    world.report('first', { serving: false, reason: 'InterfaceDown', message: 'eth1 is down' })
    expect(world.ready).toBe('False InterfaceDown eth1 is down')

    world.cluster(pods(pod('first'), pod('second', { createdAt: '2026-01-01T00:01:00Z' })))
    expect([world.ready, world.ref]).toEqual(['True', 'second'])
  })

  test('its node dies: it hangs in Terminating, and the status follows the one that takes over', () => {
    const world = AgentWorld.serving(pod('first'))
    world.report('first')
    const hanging = pod('first', { ready: false, terminating: true })
    world.cluster(pods(hanging, pod('second', { ready: false })))
    world.later(40)
    expect(world.ready).toBe('False AgentNotReady the agent harvester-system/second is not ready')

    world.cluster(pods(hanging, pod('second', { createdAt: '2026-01-01T00:01:00Z' })))

    expect([world.ready, world.ref]).toEqual(['True', 'second'])
  })

  test('in a rollout the status follows as soon as the old one is told to go, and names one all the time', () => {
    const world = AgentWorld.serving(pod('old'))
    world.report('old')
    const young = pod('young', { createdAt: '2026-01-01T00:01:00Z' })
    world.cluster(pods(pod('old'), young))
    world.report('young')
    expect(world.ref).toBe('old')

    world.cluster(pods(pod('old', { terminating: true }), young))
    expect([world.ready, world.ref]).toEqual(['True', 'young'])
    world.report('old')
    expect(world.ref).toBe('young')
  })

  test('of several that are ready and silent, the newest is named', () => {
    const world = AgentWorld.serving(
      pod('young', { createdAt: '2026-01-01T00:01:00Z' }),
      pod('old', { createdAt: '2026-01-01T00:00:00Z' }),
    )

    expect(world.ref).toBe('young')
  })

  test('a pod that is gone is not named any more', () => {
    const world = AgentWorld.serving(pod('first'))
    world.report('first')

    world.cluster(pods())

    expect([world.ready, world.ref]).toEqual(['False NoAgent no agent serves default/net-48 yet', undefined])
  })

  test('why there is no pod is told', () => {
    const world = AgentWorld.serving()

    world.cluster({ pods: [], problem: { reason: 'AgentPodRefused', message: 'exceeded quota: pods=10' } })

    expect(world.ready).toBe('False AgentPodRefused exceeded quota: pods=10')
  })

  test('an invalid edit leaves it serving, and the status says so', () => {
    const world = AgentWorld.serving(pod('first'))
    const invalid = poolObject({
      metadata: { generation: 2, resourceVersion: '90' },
      ipv4Config: { serverIP: '10.0.0.1' },
      status: world.state.pool?.status ?? {},
    })
    world.tell({ type: 'pool-changed', resourceVersion: '90' })

    world.tell({ type: 'pool-read', pool: invalid })
    world.settle()

    expect([world.ready, world.ref]).toEqual([
      'False InvalidSpec the agent goes on serving the last valid spec',
      'first',
    ])
  })
})

describe('the revision that an agent serves', () => {
  test('an agent that stays behind is not ready; both revisions are told', () => {
    const world = AgentWorld.serving()
    const old = world.revision
    world.report('first')
    world.allocate()
    world.settle()

    world.report('first', { revision: old })
    expect(world.ready).toBe('True')
    world.later(4)
    world.report('first', { revision: old })
    expect(world.ready).toBe('True')
    world.later(2)
    world.report('first', { revision: old, message: 'the spec cannot be served' })
    expect(world.ready).toBe(
      `False AgentBehind the agent serves revision ${old}, the pool is at ${old + 1}: the spec cannot be served`,
    )

    world.report('first')
    expect(world.ready).toBe('True')
  })

  test('under a steady flow of allocations an agent that keeps up stays ready', () => {
    const world = AgentWorld.serving()
    const seen = new Set<string>()
    for (let index = 0; index < 30; index++) {
      const before = world.revision
      const owner = { namespace: 'default', name: `vm-${index % 5}`, uid: `uid-${index % 5}`, generation: 1 }
      if (index % 10 < 5) world.allocate({ mac: `02:00:00:00:01:0${index % 5}`, owner })
      else {
        world.release(`02:00:00:00:01:0${index % 5}`, owner)
        world.wanted(false, { clientMayRun: false })
      }
      world.settle()
      expect(world.revision).toBeGreaterThan(before)
      world.report('first', { revision: before })
      seen.add(world.ready)
      world.later(1)
    }

    expect([...seen]).toEqual(['True'])
  })

  describe('of an agent that is behind and falls silent', () => {
    const BEHIND = /^False AgentBehind the agent serves revision/
    const silent = () => {
      const world = AgentWorld.serving(pod('first'))
      const old = world.revision
      world.allocate()
      world.settle()
      for (let time = 0; time < 2; time++) {
        world.report('first', { revision: old })
        world.later(6)
      }
      expect(world.ready).toMatch(BEHIND)
      world.later(60)
      return world
    }

    test('a pod that is ready does not say that it has caught up', () => {
      const world = silent()
      expect(world.ready).toMatch(BEHIND)

      world.report('first')

      expect(world.ready).toBe('True')
    })

    test('the next leader remembers it', () => {
      const before = silent()

      const world = new AgentWorld()
      world.tell({ type: 'tick' })
      world.tell({ type: 'pool-read', pool: poolObject({ status: before.state.pool?.status ?? {} }) })
      world.tell({ type: 'registration-checked', registration: { registered: true } })
      world.cluster(pods(pod('first')))
      world.later(60)

      expect(world.ready).toMatch(BEHIND)
    })

    test('it counts again when it was unready and is ready: its own probe says that it serves what it knows', () => {
      const world = silent()

      world.cluster(pods(pod('first', { ready: false })))
      expect(world.ready).toMatch(/^False AgentNotReady/)
      world.cluster(pods(pod('first')))

      expect(world.ready).toBe('True')
    })

    test('another pod that is ready serves in its place', () => {
      const world = silent()

      world.cluster(pods(pod('first'), pod('second', { createdAt: '2026-01-01T00:01:00Z' })))

      expect([world.ready, world.ref]).toEqual(['True', 'second'])
    })
  })

  test('without the broker a new revision does not make a ready pod unready', () => {
    const world = AgentWorld.serving(pod('first'))
    world.report('first')
    world.allocate()
    world.settle()

    world.later(20)
    expect(world.ready).toBe('True')
    world.later(20)
    expect(world.ready).toBe('True')
  })
})

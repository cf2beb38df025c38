import { describe, expect, test } from 'vitest'
import { HOLD_ANNOTATION } from '../../../../src/processes/controller/agents/decide.ts'
import type { Deployment } from '../../../../src/processes/controller/agents/deployment.ts'
import { condition, poolObject } from '../../../support/objects.ts'
import { created, decided, networkObject, registered, SETTINGS, seen, stored } from './builders.ts'

const held = { metadata: { annotations: { [HOLD_ANNOTATION]: 'true' } } }
const newer = { ...SETTINGS, image: 'managed-dhcp:0.2.0' }
const imageOf = ({ spec }: Deployment) => spec.template.spec.containers[0]?.image
const addressOf = ({ spec }: Deployment) => spec.template.spec.initContainers?.[0]?.args?.at(-1)

describe('a pool gets an agent', () => {
  test('when its network is registered with it', () => {
    expect(decided('create', {}).deployment.metadata.name).toBe('default-net-48-agent')
  })

  test.each([
    ['its network does not exist', { network: undefined }],
    ['its network is not registered yet', { pool: poolObject(), network: { metadata: { name: 'net-48' } } }],
    [
      'its network is another pool’s',
      { network: networkObject({ 'network.harvesterhci.io/ippool-name': 'other' }) },
    ],
    ['its spec is invalid', { pool: registered({ ipv4Config: { serverIP: '10.0.0.1' } }) }],
    ['it is paused', { pool: registered({ spec: { paused: true } }) }],
    ['it does not exist', { pool: undefined }],
  ])('but not while %s', (_, changes) => {
    decided('none', changes)
  })

  test('once: what is there as it should be is left alone', () => {
    expect(decided('none', { own: [stored()] })).toMatchObject({ held: false, problem: undefined })
  })
})

describe('the agent goes', () => {
  test.each([
    ['when its pool does', { pool: undefined }],
    ['while its pool is paused', { pool: registered({ spec: { paused: true } }) }],
    [
      'when another pool serves the network',
      { pool: poolObject({ status: { conditions: [condition('Registered', 'False', 'NetworkInUse')] } }) },
    ],
  ])('%s', (_, changes) => {
    expect(decided('delete', { ...changes, own: [stored()] }).deployment.metadata.uid).toBe('deployment-uid')
  })

  test('when there is a second one: the older stays', () => {
    const older = stored(undefined, {
      name: 'older',
      uid: 'older',
      creationTimestamp: '2025-01-01T00:00:00Z',
    })

    expect(decided('delete', { own: [stored(), older] }).deployment.metadata.uid).toBe('deployment-uid')
  })
})

describe('the agent stays as it is', () => {
  test.each([
    ['after an edit that is invalid', { pool: registered({ ipv4Config: { serverIP: '10.0.0.1' } }) }],
    ['when its network is gone', { network: undefined }],
    [
      'when a pool in use is being deleted',
      { pool: registered({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }) },
    ],
    [
      'until it is gone, when somebody deletes it',
      { own: [stored(undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' })] },
    ],
  ])('%s', (_, changes) => {
    decided('none', { own: [stored()], ...changes })
  })

  test('when a pool is moved to a network that is another pool’s', () => {
    decided('none', {
      own: [stored()],
      pool: registered({ spec: { networkName: 'default/other' } }),
      network: networkObject({ 'network.harvesterhci.io/ippool-name': 'other' }),
    })
  })
})

describe('the agent is rolled', () => {
  test('to another image', () => {
    const { deployment, current } = decided('update', { own: [stored()] }, newer)

    expect(imageOf(deployment)).toBe('managed-dhcp:0.2.0')
    expect(current.metadata.resourceVersion).toBe('7')
  })

  test('to another server address', () => {
    const pool = registered({ ipv4Config: { serverIP: '192.168.48.78' } })

    expect(addressOf(decided('update', { own: [stored()], pool }).deployment)).toBe('192.168.48.78/24')
  })

  test('to the nodes of another cluster network, or to all of them', () => {
    const network = networkObject({ 'network.harvesterhci.io/clusternetwork': 'fast' })
    const moved = decided('update', { own: [stored()], network }).deployment
    expect(JSON.stringify(moved.spec.template.spec.affinity)).toContain('network.harvesterhci.io/fast')

    const anywhere = networkObject({ 'network.harvesterhci.io/clusternetwork': '' })
    const { template } = decided('update', { own: [stored()], network: anywhere }).deployment.spec
    expect(template.spec.affinity).toBeUndefined()
  })

  test.each<[string, (deployment: Deployment) => Deployment, string]>([
    ['scaled down', (it) => ({ ...it, spec: { ...it.spec, replicas: 0 } }), 'spec.replicas'],
    [
      'given another image',
      (it) => {
        const { template } = it.spec
        const containers = template.spec.containers.map((each) => ({ ...each, image: 'evil:1' }))
        return {
          ...it,
          spec: { ...it.spec, template: { ...template, spec: { ...template.spec, containers } } },
        }
      },
      'spec.template.spec.containers.0.image',
    ],
    [
      'stripped of a label',
      (it) => ({
        ...it,
        metadata: { ...it.metadata, labels: { 'network.harvesterhci.io/vm-dhcp-controller': 'agent' } },
      }),
      'metadata.labels.app.kubernetes.io/name',
    ],
  ])('back, when somebody has it %s', (_, change, where) => {
    const action = decided('update', { own: [change(stored())] })

    expect(action.why).toBe(`somebody changed ${where}`)
    expect(action.deployment).toEqual(created())
  })

  test('not because of what others add: kubectl rollout restart goes on', () => {
    const it = stored()
    const annotations = {
      ...it.spec.template.metadata.annotations,
      'kubectl.kubernetes.io/restartedAt': 'now',
    }
    const template = { ...it.spec.template, metadata: { ...it.spec.template.metadata, annotations } }

    decided('none', { own: [{ ...it, spec: { ...it.spec, template } }] })
  })

  test('not for ever: what admission made of our own write is left alone', () => {
    const it = stored()
    const rewritten = { ...it, spec: { ...it.spec, replicas: 2 } }

    decided('none', { own: [rewritten], isAsWritten: () => true })
  })
})

describe('an agent that is held back', () => {
  test('keeps its image, and says so', () => {
    expect(decided('none', { own: [stored()], pool: registered(held) }, newer).held).toBe(true)
  })

  test('follows the server address with the image that it has', () => {
    const pool = registered({ ...held, ipv4Config: { serverIP: '192.168.48.78' } })
    const { deployment } = decided('update', { own: [stored()], pool }, newer)
    expect([imageOf(deployment), addressOf(deployment)]).toEqual(['managed-dhcp:0.1.0', '192.168.48.78/24'])

    expect(decided('none', { own: [stored(deployment)], pool }, newer).held).toBe(true)
  })

  test('is rolled when the annotation goes, also after its address had changed', () => {
    const ipv4Config = { serverIP: '192.168.48.78' }
    const own = [
      stored(
        decided('update', { own: [stored()], pool: registered({ ...held, ipv4Config }) }, newer).deployment,
      ),
    ]

    const { deployment } = decided('update', { own, pool: registered({ ipv4Config }) }, newer)

    expect([imageOf(deployment), addressOf(deployment)]).toEqual(['managed-dhcp:0.2.0', '192.168.48.78/24'])
  })

  test('starts with the newest image where there was none', () => {
    expect(imageOf(decided('create', { pool: registered(held) }, newer).deployment)).toBe(
      'managed-dhcp:0.2.0',
    )
  })
})

describe('the name of an agent', () => {
  const nameOf = (namespace: string, name: string, taken: string[] = []) => {
    const labels = {
      'network.harvesterhci.io/ippool-namespace': namespace,
      'network.harvesterhci.io/ippool-name': name,
    }
    return created({
      key: { namespace, name },
      pool: registered({ metadata: { namespace, name } }),
      network: networkObject(labels),
      isTaken: (candidate) => taken.includes(candidate),
    }).metadata
  }

  test('is the documented one', () => {
    expect(nameOf('default', 'net-48').name).toBe('default-net-48-agent')
  })

  test('differs for pools that would have the same: each is told apart by its labels', () => {
    const first = nameOf('a-b', 'c')
    const second = nameOf('a', 'b-c', [first.name])

    expect(first.name).toBe('a-b-c-agent')
    expect(second.name).toMatch(/^a-b-c-[0-9a-f]{8}-agent$/)
    expect(nameOf('a', 'b-c', [first.name]).name).toBe(second.name)
    expect(second.annotations?.['network.harvesterhci.io/ippool']).toBe('a/b-c')
  })

  test.each([
    ['a'.repeat(63), 'b'.repeat(253)],
    ['default', 'x'.repeat(60)],
    ['default', 'net.48'],
    ['default', `${'y'.repeat(62)}.${'z'.repeat(62)}`],
  ])('is valid, and so are the labels, however long or dotted: %s/%s', (namespace, name) => {
    const metadata = nameOf(namespace, name)

    expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
    for (const value of Object.values(metadata.labels ?? {})) {
      expect(value).toMatch(/^[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$/i)
    }
    expect(metadata.annotations?.['network.harvesterhci.io/ippool']).toBe(`${namespace}/${name}`)
  })

  test('that others have is left to them; when every name is taken, somebody must act', () => {
    const foreign = seen({ isTaken: (name) => name === 'default-net-48-agent' })
    const action = decided('create', foreign)
    expect(action.deployment.metadata.name).toMatch(/^default-net-48-[0-9a-f]{8}-agent$/)
    expect(action.nameTaken).toBe('default-net-48-agent')

    expect(decided('none', { isTaken: () => true })).toMatchObject({
      problem: 'AgentNameTaken',
      why: expect.stringContaining('delete or rename it'),
    })
  })
})

test('an agent whose pods are selected in another way is made anew: a selector cannot be changed', () => {
  const it = stored()
  const own = [{ ...it, spec: { ...it.spec, selector: { matchLabels: { app: 'old' } } } }]

  expect(decided('delete', { own }).why).toBe('it selects other pods than it should')
})

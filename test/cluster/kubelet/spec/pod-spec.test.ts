import { describe, expect, test } from 'vitest'
import { expand } from './expand.ts'
import { hostsFile } from './hosts-file.ts'
import { identityOf } from './identity.ts'
import { commandLineOf, findImage } from './image.ts'
import { NetworkSelectionError, parseNetworkSelections } from './multus.ts'
import { parsePod, UnsupportedPodError } from './pod-schema.ts'

describe('the networks annotation, as Multus reads it', () => {
  const net48 = { namespace: 'default', name: 'net-48' }

  test.each([
    ['[{"namespace":"default","name":"net-48","interface":"eth1"}]', 'eth1'],
    ['default/net-48@eth1', 'eth1'],
    ['net-48', 'net1'],
    ['[{"name":"net-48"}]', 'net1'],
  ])('%s', (text, interfaceName) => {
    expect(parseNetworkSelections(text, 'default')).toEqual([{ network: net48, interfaceName }])
  })

  test('several, with commas between them; none', () => {
    const names = parseNetworkSelections('a, other/b@eth1', 'default').map((one) => one.interfaceName)
    expect(names).toEqual(['net1', 'eth1'])
    expect(parseNetworkSelections(undefined, 'default')).toEqual([])
  })

  test.each(['[{"nam":"net-48"}]', '[', 'a/b/c'])('%s is refused', (text) => {
    expect(() => parseNetworkSelections(text, 'default')).toThrow(NetworkSelectionError)
  })
})

describe('what is run', () => {
  const image = { entrypoint: ['program'], cmd: ['default'] }
  const variables = new Map([['NAME', 'x']])

  test.each([
    [{}, ['program', 'default']],
    [{ args: ['a'] }, ['program', 'a']],
    [{ args: [] }, ['program']],
    [{ command: ['sh'] }, ['sh']],
    [{ command: ['sh'], args: ['$(NAME)'] }, ['sh', 'x']],
  ])('%j', (container, expected) => {
    expect(commandLineOf(image, container, variables)).toEqual(expected)
  })

  test('a variable that is not known stays as it is written, and so does one that is escaped', () => {
    expect(expand('$(NAME)-$(OTHER)-$$(NAME)-$NAME', variables)).toBe('x-$(OTHER)-$(NAME)-$NAME')
  })

  test('an image is found by its name, else by the longest beginning', () => {
    const table = { 'nats*': image, 'nats:2*': { entrypoint: ['two'] }, probe: { entrypoint: ['probe'] } }
    expect(findImage(table, 'nats:2.10')?.entrypoint).toEqual(['two'])
    expect(findImage(table, 'nats')?.entrypoint).toEqual(['program'])
    expect(findImage(table, 'probe:1')).toBeUndefined()
  })
})

test('capabilities: what is dropped is gone, what is added is there, in any spelling', () => {
  const of = (add: string[], drop: string[]) =>
    identityOf({ name: 'c', securityContext: { capabilities: { add, drop } } }, {}, { entrypoint: [] })
      .capabilities
  expect(of(['NET_ADMIN'], ['ALL'])).toEqual(['net_admin'])
  expect(of(['CAP_NET_ADMIN'], ['all'])).toEqual(['net_admin'])
  expect(of([], ['NET_RAW'])).not.toContain('net_raw')
  expect(of([], [])).toContain('net_raw')
})

describe('names of Services', () => {
  const slice = (service: string, namespace: string, addresses: readonly [string, boolean, string?][]) => ({
    metadata: { namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: addresses.map(([address, ready, hostname]) => ({
      addresses: [address],
      conditions: { ready },
      ...(hostname === undefined ? {} : { hostname }),
    })),
  })
  const pod = { namespace: 'a', hostname: 'pod-1', address: '10.244.1.1' }

  test('lead to a ready pod; the short name only within the namespace', () => {
    const text = hostsFile(pod, [
      slice('web', 'a', [
        ['10.244.1.2', false],
        ['10.244.1.3', true],
        ['10.244.1.4', true],
      ]),
      slice('db', 'b', [['10.244.1.5', true, 'db-0']]),
    ])
    expect(text.split('\n')).toEqual([
      '127.0.0.1 localhost',
      '10.244.1.1 pod-1',
      '10.244.1.3 web web.a web.a.svc web.a.svc.cluster.local',
      '10.244.1.5 db.b db.b.svc db.b.svc.cluster.local',
      '10.244.1.5 db-0.db.b db-0.db.b.svc db-0.db.b.svc.cluster.local',
      '',
    ])
  })

  test('there are none while no pod is ready', () => {
    expect(hostsFile(pod, [slice('web', 'a', [['10.244.1.2', false]])])).not.toContain('web')
  })
})

describe('a pod spec', () => {
  const pod = (spec: Record<string, unknown>, container: Record<string, unknown> = {}) => ({
    metadata: { name: 'p', namespace: 'a', uid: 'u' },
    spec: { containers: [{ name: 'main', image: 'probe', ...container }], ...spec },
  })

  test('is taken when all of it is carried out', () => {
    expect(parsePod(pod({ nodeName: 'n', tolerations: [], dnsPolicy: 'ClusterFirst' })).spec.nodeName).toBe(
      'n',
    )
  })

  test.each([
    [pod({ hostNetwork: true }), 'spec.hostNetwork'],
    [pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }), 'hostPath'],
    [pod({}, { securityContext: { privileged: true } }), 'spec.containers.0.securityContext.privileged'],
    [pod({}, { livenessProbe: { grpc: { port: 1 } } }), 'grpc'],
    [pod({ readinessGates: [] }), 'readinessGates'],
  ])('is refused by the name of what is not: %#', (object, name) => {
    expect(() => parsePod(object)).toThrow(UnsupportedPodError)
    expect(() => parsePod(object)).toThrow(name)
  })
})

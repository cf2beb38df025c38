import { describe, expect, test } from 'vitest'
import { parseCidr } from '../../src/api/values/cidr.ts'
import { condition, configObject, NET_48, poolObject, TEST_MAC } from '../support/objects.ts'
import { answerToDeletion, answerToPool, clusterWith } from './support.ts'

const OTHER_MAC = '22:37:37:82:93:7d'
const holds = (allocated: Record<string, string>) => ({ status: { ipv4: { allocated } } })
const inUse = poolObject(holds({ '192.168.48.84': TEST_MAC, '192.168.48.81': 'EXCLUDED' }))
const vmAsks = configObject()

describe('a new pool', () => {
  test("as the documentation's is accepted, on its network", async () => {
    expect(await answerToPool(poolObject())).toBe('allowed')
  })

  test.each([
    [
      'serverIP outside the subnet',
      { serverIP: '10.0.0.1' },
      'spec.ipv4Config.serverIP: 10.0.0.1 is outside spec.ipv4Config.cidr 192.168.48.0/24',
    ],
    [
      'start above end',
      { pool: { start: '192.168.48.90', end: '192.168.48.81' } },
      'spec.ipv4Config.pool.start: 192.168.48.90 is above spec.ipv4Config.pool.end 192.168.48.81',
    ],
    [
      'an excluded address outside the subnet',
      { pool: { start: '192.168.48.81', end: '192.168.48.90', exclude: ['192.168.49.1'] } },
      'spec.ipv4Config.pool.exclude[0]: 192.168.49.1 is outside spec.ipv4Config.cidr 192.168.48.0/24; correct or remove it',
    ],
    [
      'a name server that is none',
      { dns: ['0.0.0.0'] },
      'spec.ipv4Config.dns[0]: 0.0.0.0 means "this network" (RFC 791); write the address of a server',
    ],
    [
      'a loopback name server',
      { dns: ['1.1.1.1', '127.0.0.53'] },
      'spec.ipv4Config.dns[1]: 127.0.0.53 is a loopback address (RFC 1122); write the address of a server',
    ],
    [
      'a multicast NTP server',
      { ntp: ['224.0.1.1'] },
      'spec.ipv4Config.ntp[0]: 224.0.1.1 is a multicast address (RFC 5771); write the address of a server',
    ],
    [
      'the broadcast address as name server',
      { dns: ['192.168.48.255'] },
      'spec.ipv4Config.dns[0]: 192.168.48.255 is the broadcast address of 192.168.48.0/24; write the address of a server',
    ],
    [
      'a subnet for no hosts',
      {
        cidr: '127.0.0.0/24',
        serverIP: '127.0.0.1',
        router: '',
        pool: { start: '127.0.0.5', end: '127.0.0.9' },
      },
      'spec.ipv4Config.cidr: 127.0.0.0/24 is a loopback address (RFC 1122); choose a subnet for hosts',
    ],
    [
      'a subnet that is the whole Internet',
      { cidr: '0.0.0.0/0' },
      'spec.ipv4Config.cidr: 0.0.0.0/0 contains 0.0.0.0/8, which means "this network" (RFC 791); choose a subnet for hosts',
    ],
    [
      'a subnet around the loopback addresses',
      {
        cidr: '126.0.0.0/7',
        serverIP: '126.0.0.2',
        router: '126.0.0.1',
        pool: { start: '126.0.0.5', end: '126.0.0.9' },
      },
      'spec.ipv4Config.cidr: 126.0.0.0/7 contains 127.0.0.0/8, which is a loopback address (RFC 1122); choose a subnet for hosts',
    ],
  ])('with %s is refused', async (_, ipv4Config, refusal) => {
    expect(await answerToPool(poolObject({ ipv4Config }))).toBe(refusal)
  })

  test('with several mistakes hears of all of them', async () => {
    const refusal = await answerToPool(poolObject({ ipv4Config: { serverIP: '10.0.0.1', dns: ['x'] } }))

    expect(refusal.split('; ')).toEqual([
      expect.stringMatching(/^spec\.ipv4Config\.dns\[0\]: /),
      expect.stringMatching(/^spec\.ipv4Config\.serverIP: /),
    ])
  })

  test('over the addresses of Services is refused', async () => {
    const services = [{ subnet: parseCidr('192.168.0.0/16'), source: 'ServiceCIDR kubernetes' }]

    expect(await answerToPool(poolObject(), undefined, clusterWith({ services }))).toBe(
      "spec.ipv4Config.cidr: 192.168.48.0/24 overlaps the addresses of the cluster's Services, 192.168.0.0/16 (ServiceCIDR kubernetes); choose another subnet",
    )
  })

  test('on a network that has one is refused, whatever the spelling of its name and the namespaces', async () => {
    const first = poolObject({ metadata: { name: 'first', namespace: 'lab' } })
    const second = poolObject({ spec: { networkName: 'net-48' } })

    expect(await answerToPool(second, undefined, clusterWith({ pools: [first] }))).toBe(
      'spec.networkName: the network default/net-48 is served by the IPPool lab/first already; extend the range of that pool, or delete it first',
    )
  })

  test('on a network whose pool is being deleted has to wait', async () => {
    const going = poolObject({ metadata: { name: 'first', deletionTimestamp: '2026-01-01T00:00:00Z' } })

    expect(await answerToPool(poolObject(), undefined, clusterWith({ pools: [going] }))).toContain(
      'it is being deleted, wait until it is gone',
    )
  })

  test('on a network that is not there is refused, and says what to create', async () => {
    expect(await answerToPool(poolObject(), undefined, clusterWith({ networks: [] }))).toBe(
      'spec.networkName: there is no NetworkAttachmentDefinition default/net-48; create the VM Network first, or correct the name',
    )
  })

  test('of the same subnet as another on another network is accepted: VLANs are apart', async () => {
    const other = poolObject({ metadata: { name: 'other' }, spec: { networkName: 'default/net-49' } })

    expect(await answerToPool(poolObject(), undefined, clusterWith({ pools: [other] }))).toBe('allowed')
  })

  test('that works and is hardly meant gets warnings', async () => {
    const pool = {
      start: '192.168.48.81',
      end: '192.168.48.82',
      exclude: ['192.168.48.81', '192.168.48.82', '192.168.48.5'],
    }

    expect(await answerToPool(poolObject({ ipv4Config: { pool, leaseTime: 5 } }))).toBe(
      [
        'allowed',
        'Warning: spec.ipv4Config.pool.exclude: 192.168.48.5 lies outside the range and would not be leased anyway',
        'Warning: spec.ipv4Config.pool: every address of the range is excluded or reserved, none can be leased',
        'Warning: spec.ipv4Config.leaseTime: 5 s is short; clients renew after half of it',
      ].join('\n'),
    )
  })
})

describe('the name of a new pool', () => {
  test('may have as many characters as a label can hold', async () => {
    expect(await answerToPool(poolObject({ metadata: { name: 'n'.repeat(63) } }))).toBe('allowed')
  })

  test('is refused when it has more, together with whatever else is wrong', async () => {
    const metadata = { name: 'n'.repeat(64) }
    expect(await answerToPool(poolObject({ metadata }))).toBe(
      `metadata.name: ${metadata.name} is longer than 63 characters, which is all that the label of its network can hold; create the IPPool under a shorter name`,
    )
    const wrong = poolObject({ metadata, ipv4Config: { serverIP: '10.0.0.1' } })
    expect(await answerToPool(wrong)).toMatch(/^metadata\.name: .*; spec\.ipv4Config\.serverIP: /)
  })
})

describe('an edit of a pool that VMs use', () => {
  const view = clusterWith({ pools: [inUse], configs: [vmAsks] })
  const edited = (ipv4Config: NonNullable<Parameters<typeof poolObject>[0]>['ipv4Config'], spec = {}) =>
    answerToPool(poolObject({ ...(ipv4Config === undefined ? {} : { ipv4Config }), spec }), inUse, view)
  const HOLDER = '192.168.48.84 (ca:70:82:e6:84:6e, VM default/test-vm)'

  test.each([
    ['a larger range', { pool: { start: '192.168.48.80', end: '192.168.48.200' } }],
    ['a smaller range that keeps what is held', { pool: { start: '192.168.48.84', end: '192.168.48.84' } }],
    [
      'other options',
      { dns: ['9.9.9.9'], domainName: 'example.com', leaseTime: 7200, ntp: ['pool.ntp.org'] },
    ],
    ['another server and router', { serverIP: '192.168.48.2', router: '192.168.48.3' }],
    ['a larger subnet', { cidr: '192.168.48.0/23' }],
  ])('to %s is allowed', async (_, ipv4Config) => {
    expect(await edited(ipv4Config)).toBe('allowed')
  })

  test('that leaves a held address out of the range names address, MAC and VM', async () => {
    expect(await edited({ pool: { start: '192.168.48.85', end: '192.168.48.90' } })).toBe(
      `spec.ipv4Config.pool: the range 192.168.48.85-192.168.48.90 leaves out what VMs hold: ${HOLDER}; keep these inside, or remove the VMs first`,
    )
  })

  test('that moves the subnet away is refused', async () => {
    const moved = {
      cidr: '10.0.0.0/24',
      serverIP: '10.0.0.2',
      router: '10.0.0.1',
      pool: { start: '10.0.0.10', end: '10.0.0.20' },
    }
    expect(await edited(moved)).toBe(
      `spec.ipv4Config.cidr: 10.0.0.0/24 leaves out what VMs hold: ${HOLDER}; keep these inside, or remove the VMs first`,
    )
  })

  test('that excludes a held address is refused', async () => {
    const pool = { start: '192.168.48.81', end: '192.168.48.90', exclude: ['192.168.48.84'] }
    expect(await edited({ pool })).toBe(
      `spec.ipv4Config.pool.exclude: a VM holds ${HOLDER}; exclude other addresses, or remove the VM first`,
    )
  })

  test.each(['serverIP', 'router'])('that moves the %s onto a held address is refused', async (field) => {
    expect(await edited({ [field]: '192.168.48.84' })).toBe(
      `spec.ipv4Config.${field}: a VM holds ${HOLDER}; choose an address that is free`,
    )
  })

  test('that moves the pool to another network is refused', async () => {
    expect(await edited({}, { networkName: 'default/net-49' })).toContain(
      `spec.networkName: VMs hold addresses on default/net-48: ${HOLDER}; remove them from that network first`,
    )
  })

  test('may not put the server where a client may still be', async () => {
    const resting = { '192.168.48.85': { macAddress: OTHER_MAC, until: '2026-01-01T01:00:00Z' } }
    const old = poolObject({ status: { ipv4: { resting } } })
    const next = poolObject({ ipv4Config: { serverIP: '192.168.48.85' } })

    expect(await answerToPool(next, old, clusterWith({ pools: [old] }))).toBe(
      'spec.ipv4Config.serverIP: 192.168.48.85 (22:37:37:82:93:7d) was given back, but its client may use it until 2026-01-01T01:00:00Z; choose another address',
    )
  })

  test('of many VMs names some and counts the others', async () => {
    const allocated = Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [`192.168.48.${82 + index}`, `ca:70:82:e6:84:0${index}`]),
    )
    const old = poolObject(holds(allocated))
    const next = poolObject({ ipv4Config: { pool: { start: '192.168.48.90', end: '192.168.48.90' } } })

    expect(await answerToPool(next, old, clusterWith({ pools: [old] }))).toContain(
      '192.168.48.86 (ca:70:82:e6:84:04) and 3 more; keep these inside',
    )
  })
})

describe('a pool that was accepted before there were rules', () => {
  const old = poolObject({ ipv4Config: { serverIP: '10.0.0.1', dns: ['0.0.0.0'] } })

  test('stays editable in its metadata', async () => {
    const labelled = { ...old, metadata: { ...old.metadata, labels: { a: 'b' } } }
    expect(await answerToPool(labelled, old, clusterWith({ networks: [] }))).toBe('allowed')
  })

  test('may be corrected in one thing, and is told of the other', async () => {
    const better = poolObject({ ipv4Config: { dns: ['0.0.0.0'] } })
    expect(await answerToPool(better, old)).toContain('dns[0]: 0.0.0.0 means')
    const still = poolObject({ ipv4Config: { serverIP: '10.0.0.1', leaseTime: 900 } })
    expect(await answerToPool(still, old)).toBe(
      'allowed\nWarning: spec.ipv4Config.serverIP: 10.0.0.1 is outside spec.ipv4Config.cidr 192.168.48.0/24',
    )
  })

  test('may not be made worse', async () => {
    const worse = poolObject({ ipv4Config: { serverIP: '10.0.0.1', router: '10.0.0.2' } })
    expect(await answerToPool(worse, old)).toBe(
      'spec.ipv4Config.router: 10.0.0.2 is outside spec.ipv4Config.cidr 192.168.48.0/24',
    )
  })

  test('keeps a name that is too long, and is told of it', async () => {
    const metadata = { name: 'n'.repeat(64) }
    const edited = poolObject({ metadata, ipv4Config: { leaseTime: 900 } })
    expect(await answerToPool(edited, poolObject({ metadata }))).toMatch(
      /^allowed\nWarning: metadata\.name: n{64} is longer than 63 characters/,
    )
  })

  test('can be edited at will while it is being deleted', async () => {
    const going = poolObject({
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [] },
      ipv4Config: { serverIP: '1.1.1.1' },
    })
    expect(await answerToPool(going, old)).toBe('allowed')
  })
})

describe('deleting a pool', () => {
  test('that nobody uses is allowed', async () => {
    expect(await answerToDeletion(poolObject(holds({ '192.168.48.81': 'EXCLUDED' })))).toBe('allowed')
  })

  test('of which a VM holds an address is refused, whatever the names and namespaces', async () => {
    const pool = poolObject({
      metadata: { name: 'addresses', namespace: 'infrastructure' },
      ...holds({ '192.168.48.84': TEST_MAC }),
    })

    expect(await answerToDeletion(pool, clusterWith({ pools: [pool], configs: [vmAsks] }))).toBe(
      'the IPPool is in use: 192.168.48.84 (ca:70:82:e6:84:6e, VM default/test-vm); remove these VMs, or their interfaces on default/net-48, first',
    )
  })

  test('for whose network a VM waits is refused', async () => {
    const waiting = configObject({ networks: [{ macAddress: TEST_MAC, networkName: 'net-48' }] })

    expect(await answerToDeletion(poolObject(), clusterWith({ configs: [waiting] }))).toBe(
      'the IPPool is in use: VM default/test-vm asks for an address on default/net-48; remove these VMs, or their interfaces on default/net-48, first',
    )
  })

  test.each([
    ['paused', configObject({ spec: { paused: true } })],
    ['being deleted', configObject({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })],
    [
      'on another network',
      configObject({ networks: [{ macAddress: TEST_MAC, networkName: 'other/net-48' }] }),
    ],
  ])('is not held up by a VM that is %s', async (_, config) => {
    expect(await answerToDeletion(poolObject(), clusterWith({ configs: [config] }))).toBe('allowed')
  })

  test('that was never registered, beside the one that serves, is allowed', async () => {
    const serving = poolObject({ status: { conditions: [condition('Registered', 'True')] } })
    const second = poolObject({ metadata: { name: 'second' } })

    expect(await answerToDeletion(second, clusterWith({ pools: [serving, second], configs: [vmAsks] }))).toBe(
      'allowed',
    )
  })

  test('with its namespace is allowed when its users go too, and refused while others stay', async () => {
    const elsewhere = configObject({
      metadata: { namespace: 'other', name: 'vm-2' },
      networks: [{ macAddress: OTHER_MAC, networkName: NET_48 }],
    })
    const pool = poolObject(holds({ '192.168.48.84': TEST_MAC, '192.168.48.85': OTHER_MAC }))

    expect(
      await answerToDeletion(
        inUse,
        clusterWith({ pools: [inUse], configs: [vmAsks], terminating: ['default'] }),
      ),
    ).toBe('allowed')
    expect(
      await answerToDeletion(
        pool,
        clusterWith({ pools: [pool], configs: [vmAsks, elsewhere], terminating: ['default'] }),
      ),
    ).toContain('in use: 192.168.48.85 (22:37:37:82:93:7d, VM other/test-vm);')
  })

  test('of ten thousand VMs is decided with a look at each, whether its namespace goes or not', async () => {
    let looks = 0
    const mac = (index: number) => `02:00:00:00:${byte(index >> 8)}:${byte(index & 255)}`
    const byte = (value: number) => value.toString(16).padStart(2, '0')
    const many = Array.from({ length: 10_000 }, (_, index) => index)
    const configs = many.map((index) => {
      const networks = [{ macAddress: mac(index), networkName: NET_48 }]
      const config = configObject({ metadata: { name: `vm-${index}`, namespace: 'other' }, networks })
      return new Proxy(config, {
        get(target, key, receiver) {
          if (key === 'spec') looks += 1
          return Reflect.get(target, key, receiver)
        },
      })
    })
    const allocated = Object.fromEntries(
      many.map((index) => [`10.0.${index >> 8}.${index & 255}`, mac(index)]),
    )
    const pool = poolObject(holds(allocated))

    for (const terminating of [[], ['default']]) {
      looks = 0
      expect(await answerToDeletion(pool, clusterWith({ pools: [pool], configs, terminating }))).toContain(
        'in use: 10.0.0.0 (02:00:00:00:00:00, VM other/test-vm), ',
      )
      expect(looks).toBeLessThan(20 * configs.length)
    }
  })

  test('a second time changes nothing and is allowed', async () => {
    const going = poolObject({
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      ...holds({ '192.168.48.84': TEST_MAC }),
    })
    expect(await answerToDeletion(going)).toBe('allowed')
  })
})

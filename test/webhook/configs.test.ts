import { describe, expect, test } from 'vitest'
import { VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import type { RequestedNetwork } from '../../src/api/vm-network-config.ts'
import { configObject, NET_48, poolObject, TEST_MAC } from '../support/objects.ts'
import { answerTo, answerToConfig, clusterWith } from './support.ts'

const OTHER_MAC = '22:37:37:82:93:7d'
const nic = (changes: Partial<RequestedNetwork> = {}): RequestedNetwork => ({
  macAddress: TEST_MAC,
  networkName: NET_48,
  ...changes,
})
const asking = (...networks: RequestedNetwork[]) => configObject({ networks })
const other = configObject({
  metadata: { name: 'vm-2', uid: 'other' },
  networks: [nic()],
  spec: { vmName: 'vm-2' },
})

describe('what is asked for a VM', () => {
  test('on a network, with or without a pool, is accepted', async () => {
    expect(await answerToConfig(asking(nic()))).toBe('allowed')
  })

  test.each([
    ['ca:70:82:e6:84', '"ca:70:82:e6:84" is not a MAC address such as ca:70:82:e6:84:6e'],
    [
      '01:00:5e:00:00:01',
      "01:00:5e:00:00:01 is a multicast address; write the address of the VM's interface",
    ],
    ['00:00:00:00:00:00', "00:00:00:00:00:00 is all zeros; write the address of the VM's interface"],
    [
      'FF-FF-FF-FF-FF-FF',
      "ff:ff:ff:ff:ff:ff is the broadcast address; write the address of the VM's interface",
    ],
  ])('with the MAC address %s is refused', async (macAddress, why) => {
    expect(await answerToConfig(asking(nic({ macAddress })))).toBe(`spec.networkConfig[0].macAddress: ${why}`)
  })

  test('twice with one MAC on one network is refused, in whatever spelling', async () => {
    const twice = asking(nic(), nic({ macAddress: 'CA-70-82-E6-84-6E', networkName: 'net-48' }))
    expect(await answerToConfig(twice)).toBe(
      'spec.networkConfig[1].macAddress: ca:70:82:e6:84:6e stands on default/net-48 in spec.networkConfig[0] already; remove one',
    )
    expect(await answerToConfig(asking(nic(), nic({ networkName: 'default/net-49' })))).toContain('allowed')
  })

  test('with the MAC of another VM on that network is refused with its name', async () => {
    expect(await answerToConfig(asking(nic()), undefined, clusterWith({ configs: [other] }))).toBe(
      'spec.networkConfig[0].macAddress: ca:70:82:e6:84:6e is asked for on default/net-48 by VM default/vm-2 already (VirtualMachineNetworkConfig default/vm-2); give one of the two another MAC address',
    )
  })

  test.each([
    [
      'is being deleted',
      { ...other, metadata: { ...other.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    ],
    ['is paused', { ...other, spec: { ...other.spec, paused: true } }],
    ['is the same object', { ...other, metadata: { ...other.metadata, name: 'test-vm' } }],
  ])('is not refused for a rival that %s', async (_, rival) => {
    expect(await answerToConfig(asking(nic()), undefined, clusterWith({ configs: [rival] }))).toBe('allowed')
  })

  test('in both spellings at once is refused', async () => {
    const both = configObject({ spec: { networkConfigs: [nic({ macAddress: OTHER_MAC })] } })
    expect(await answerToConfig(both)).toBe(
      'spec.networkConfigs: spec.networkConfig is filled too, and only one of the two counts; write all entries in one',
    )
  })

  test('on a network whose name cannot be read is refused', async () => {
    expect(await answerToConfig(asking(nic({ networkName: 'a/b/c' })))).toBe(
      'spec.networkConfig[0].networkName: "a/b/c" is not a namespaced name such as default/net-48',
    )
  })

  test('on a network or for a VM that is not there is accepted with a warning', async () => {
    const view = clusterWith({ networks: [], missingVms: ['default/test-vm'] })
    expect(await answerToConfig(asking(nic()), undefined, view)).toBe(
      [
        'allowed',
        'Warning: spec.networkConfig[0].networkName: there is no NetworkAttachmentDefinition default/net-48; no address is given out before there is',
        'Warning: spec.vmName: there is no VirtualMachine default/test-vm; the addresses are kept for its MAC addresses all the same',
      ].join('\n'),
    )
  })
})

describe('an address that is asked for by name', () => {
  const pool = poolObject({
    ipv4Config: { serverIP: '192.168.48.85', router: '192.168.48.86' },
    status: {
      ipv4: {
        allocated: { '192.168.48.84': OTHER_MAC },
        resting: { '192.168.48.87': { macAddress: OTHER_MAC, until: '2026-01-01T01:00:00Z' } },
      },
    },
  })
  const view = clusterWith({ pools: [pool] })
  const pinned = (ipAddress: string) => answerToConfig(asking(nic({ ipAddress })), undefined, view)

  test('that is free is accepted', async () => {
    expect(await pinned('192.168.48.88')).toBe('allowed')
  })

  test.each([
    ['192.168.48.200', '192.168.48.200 is outside the range of IPPool default/net-48'],
    ['192.168.48.81', '192.168.48.81 is excluded in IPPool default/net-48'],
    ['192.168.48.85', '192.168.48.85 is the server address of IPPool default/net-48'],
    ['192.168.48.86', '192.168.48.86 is the router of IPPool default/net-48'],
    ['192.168.48.84', 'another VM holds 192.168.48.84 (22:37:37:82:93:7d)'],
  ])('%s is refused with what to ask for', async (address, why) => {
    expect(await pinned(address)).toBe(
      `spec.networkConfig[0].ipAddress: ${why}; ask for another from 192.168.48.81 to 192.168.48.90`,
    )
  })

  test('that another VM asks for too is refused', async () => {
    const rival = configObject({
      metadata: { name: 'vm-2' },
      networks: [nic({ macAddress: OTHER_MAC, ipAddress: '192.168.48.88' })],
      spec: { vmName: 'vm-2' },
    })
    const wanted = asking(nic({ ipAddress: '192.168.48.88' }))
    expect(await answerToConfig(wanted, undefined, clusterWith({ pools: [pool], configs: [rival] }))).toBe(
      'spec.networkConfig[0].ipAddress: 192.168.48.88 is asked for by VM default/vm-2 already; ask for another address',
    )
  })

  test('that rests is accepted with a warning, and so is one that nobody can give yet', async () => {
    expect(await pinned('192.168.48.87')).toContain(
      'Warning: spec.networkConfig[0].ipAddress: 192.168.48.87 was given back by 22:37:37:82:93:7d and is free from',
    )
    expect(await answerToConfig(asking(nic({ ipAddress: '192.168.48.87' })))).toContain('no IPPool serves')
  })

  test('is kept by the MAC that has it', async () => {
    const mine = asking(nic({ macAddress: OTHER_MAC, ipAddress: '192.168.48.84' }))
    expect(await answerToConfig(mine, undefined, view)).toBe('allowed')
  })
})

describe('an edit', () => {
  const rivalView = clusterWith({ configs: [other] })
  const old = asking(nic())

  test('is checked in what it adds, not in what was there', async () => {
    const more = asking(nic({ macAddress: 'CA:70:82:E6:84:6E' }), nic({ macAddress: OTHER_MAC }))
    expect(await answerToConfig(more, old, rivalView)).toBe('allowed')
    const wrong = asking(nic(), nic({ macAddress: '00:00:00:00:00:00' }))
    expect(await answerToConfig(wrong, old, rivalView)).toContain('spec.networkConfig[1].macAddress')
  })

  test('that ends a pause asks for everything anew', async () => {
    const paused = configObject({ spec: { paused: true } })
    expect(await answerToConfig(paused, undefined, rivalView)).toBe('allowed')
    expect(await answerToConfig(old, paused, rivalView)).toContain('is asked for on default/net-48 by VM')
  })

  test('of labels and finalizers is never refused, nor is a deletion', async () => {
    const broken = asking(nic({ macAddress: 'nonsense' }))
    const labelled = { ...broken, metadata: { ...broken.metadata, labels: {}, finalizers: [] } }
    expect(await answerToConfig(labelled, broken, rivalView)).toBe('allowed')
    expect(
      await answerTo({ resource: VM_NETWORK_CONFIGS, operation: 'DELETE', oldObject: broken }, rivalView),
    ).toBe('allowed')
  })
})

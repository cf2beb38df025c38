import { expect, test } from 'vitest'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import type { VirtualMachine, VirtualMachineInstance } from '../../src/api/virtual-machine.ts'
import { vmInterfaces } from '../../src/api/vm-interfaces.ts'
import { instanceObject, TEST_MAC, vmObject } from '../support/objects.ts'

function read(vm: VirtualMachine, instance?: VirtualMachineInstance) {
  const { interfaces, waiting, problems } = vmInterfaces(vm, instance)
  return {
    interfaces: interfaces.map(({ name, mac, network, pin }) => ({
      name,
      mac,
      network: formatObjectKey(network),
      ...(pin === undefined ? {} : { pin: pin === 'malformed' ? pin : formatIPv4Address(pin) }),
    })),
    waiting: waiting.map(formatObjectKey),
    problems,
  }
}

const annotated = (annotations: Record<string, string>, nics = {}) =>
  vmObject({ 'nic-1': {}, ...nics }, { annotations })
const found = (mac: string, network = 'default/net-48') => [{ name: 'nic-1', mac, network }]

test('the MAC of the spec comes first, in canonical form', () => {
  const vm = vmObject(
    { 'nic-1': { mac: 'CA-70-82-E6-84-6E' } },
    { annotations: { 'harvesterhci.io/mac-address': '{"nic-1":"02:00:00:00:00:02"}' } },
  )

  expect(read(vm, instanceObject({ 'nic-1': '02:00:00:00:00:03' })).interfaces).toEqual(found(TEST_MAC))
})

test('then that of the annotation', () => {
  const vm = annotated({ 'harvesterhci.io/mac-address': '{"nic-1":"02:00:00:00:00:02"}' })

  expect(read(vm, instanceObject({ 'nic-1': '02:00:00:00:00:03' })).interfaces).toEqual(
    found('02:00:00:00:00:02'),
  )
})

test('then that of the running instance', () => {
  expect(read(annotated({}), instanceObject({ 'nic-1': '02:00:00:00:00:03' })).interfaces).toEqual(
    found('02:00:00:00:00:03'),
  )
})

test('a NIC without any MAC waits for one, which is no problem', () => {
  expect(read(vmObject({ 'nic-1': {} }))).toEqual({
    interfaces: [],
    waiting: ['default/net-48'],
    problems: [],
  })
})

test('a NIC whose MAC cannot be read waits for one that can', () => {
  const { interfaces, waiting, problems } = read(
    annotated({ 'harvesterhci.io/mac-address': '{"nic-1":"nonsense"}' }),
  )

  expect(interfaces).toEqual([])
  expect(waiting).toEqual(['default/net-48'])
  expect(problems).toEqual([expect.stringContaining('interface nic-1: "nonsense" is not a MAC address')])
})

test.each(['not json', '[]', '{"nic-1":7}'])('an annotation that cannot be read is a problem: %s', (text) => {
  const { problems, waiting } = read(annotated({ 'harvesterhci.io/mac-address': text }))

  expect(problems).toEqual([expect.stringContaining('must look like {"nic-1":"ca:70:82:e6:84:6e"}')])
  expect(waiting).toEqual(['default/net-48'])
})

test("a bare network name is one in the VM's own namespace", () => {
  const vm = vmObject({ 'nic-1': { mac: TEST_MAC, network: 'net-48' } }, { namespace: 'tenant' })

  expect(read(vm).interfaces).toEqual(found(TEST_MAC, 'tenant/net-48'))
})

test('a NIC that is being unplugged is none, nor is one on the pod network', () => {
  const vm = vmObject({ 'nic-1': { mac: TEST_MAC, state: 'absent' } })
  const { interfaces = [] } = vm.spec.template.spec.domain?.devices ?? {}
  interfaces.push({ name: 'default', macAddress: '02:00:00:00:00:01' })
  vm.spec.template.spec.networks?.push({ name: 'default' })

  expect(read(vm)).toEqual({ interfaces: [], waiting: [], problems: [] })
})

test('one NIC that cannot be read does not take the others with it', () => {
  const vm = vmObject({
    bad: { mac: 'nonsense' },
    worse: { mac: TEST_MAC, network: 'a/b/c' },
    'nic-1': { mac: TEST_MAC },
  })

  const { interfaces, waiting, problems } = read(vm)

  expect(interfaces).toEqual(found(TEST_MAC))
  expect(waiting).toEqual(['default/net-48'])
  expect(problems).toEqual([
    expect.stringMatching(/^interface bad: /),
    expect.stringMatching(/^interface worse: /),
  ])
})

test('an annotation pins, and one that cannot be read is told apart from none', () => {
  const pinned = (text: string) =>
    read(vmObject(undefined, { annotations: { 'static-ip.harvesterhci.io/nic-1': text } }))

  expect(pinned('192.168.48.88').interfaces).toMatchObject([{ pin: '192.168.48.88' }])
  expect(pinned('').interfaces[0]).not.toHaveProperty('pin')
  expect(pinned('192.168.48.888')).toMatchObject({
    interfaces: [{ pin: 'malformed' }],
    problems: [expect.stringContaining('static-ip.harvesterhci.io/nic-1')],
  })
})

test('a pin for an interface that the VM does not have is a problem', () => {
  const vm = vmObject(undefined, { annotations: { 'static-ip.harvesterhci.io/nic-2': '192.168.48.88' } })

  const { interfaces, problems } = read(vm)

  expect(interfaces).toEqual(found(TEST_MAC))
  expect(problems).toEqual([
    'annotation static-ip.harvesterhci.io/nic-2: the VM has no such interface; it has nic-1',
  ])
})

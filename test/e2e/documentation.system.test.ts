import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { LAB_VM_MAC } from '../../src/lab/session.ts'
import { eventually } from './support/eventually.ts'
import {
  createE2eLab,
  type E2eLab,
  type StandaloneHandle,
  startClient,
  startStandalone,
} from './support/lab.ts'
import { network } from './support/manifests.ts'
import { startManagedDhcp } from './support/program.ts'

/** The example's MAC address in deploy/examples/vmnetcfg-test-vm.yaml. */
const HAND_MADE_MAC = '22:37:37:82:93:7d'
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const UID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

let lab: E2eLab
beforeAll(async () => {
  lab = await createE2eLab()
})
afterAll(() => lab?.close())

describe('the documentation, from the VM Network to the lease', () => {
  let standalone: StandaloneHandle
  beforeAll(async () => {
    standalone = await startStandalone(lab, { dataDirectory: join(lab.folder, 'net-48') })
    const { kubectl } = standalone
    await kubectl.applyExample('nad-net-48.yaml')
    await kubectl.applyExample('ippool-net-48.yaml')
    await kubectl.untilServed('net-48')
    await kubectl.applyExample('vm-test-vm.yaml')
    await kubectl.untilAllocated('test-vm', LAB_VM_MAC)
  })
  afterAll(() => standalone?.program.end('SIGTERM'))

  test('kubectl get ippools.network net-48 -o yaml shows what the documentation shows', async () => {
    const { kubectl } = standalone
    const address = (await kubectl.addresses('test-vm'))[LAB_VM_MAC] ?? 'none'
    const pool = load(await kubectl.run(['get', 'ippools.network', 'net-48', '-o', 'yaml']))
    expect(pool).toEqual({
      apiVersion: 'network.harvesterhci.io/v1alpha1',
      kind: 'IPPool',
      metadata: {
        // kubectl apply leaves its own note; the documentation's output has it cut out.
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': expect.any(String) },
        creationTimestamp: TIME,
        finalizers: ['wrangler.cattle.io/vm-dhcp-ippool-controller'],
        generation: 1,
        name: 'net-48',
        namespace: 'default',
        resourceVersion: expect.stringMatching(/^\d+$/),
        uid: UID,
      },
      spec: {
        ipv4Config: {
          cidr: '192.168.48.0/24',
          dns: ['1.1.1.1'],
          leaseTime: 300,
          pool: {
            end: '192.168.48.90',
            exclude: ['192.168.48.81', '192.168.48.90'],
            start: '192.168.48.81',
          },
          router: '192.168.48.1',
          serverIP: '192.168.48.77',
        },
        networkName: 'default/net-48',
      },
      status: {
        agentPodRef: { name: 'default-net-48-agent', namespace: 'harvester-system' },
        conditions: [
          { lastUpdateTime: TIME, status: 'True', type: 'Registered' },
          { lastUpdateTime: TIME, status: 'True', type: 'CacheReady' },
          { lastUpdateTime: TIME, status: 'True', type: 'AgentReady' },
          { lastUpdateTime: TIME, status: 'False', type: 'Stopped' },
        ],
        ipv4: {
          allocated: {
            '192.168.48.81': 'EXCLUDED',
            [address]: LAB_VM_MAC,
            '192.168.48.90': 'EXCLUDED',
          },
          available: 7,
          used: 1,
          // Beyond the documentation: counts the changes of `allocated`, for the agents.
          revision: expect.any(Number),
          // Beyond it too: how long leases were given for, should an edit make them shorter.
          leaseTime: 300,
        },
        lastUpdate: TIME,
        // Beyond the documentation.
        observedGeneration: 1,
      },
    })
  })

  test('kubectl get virtualmachinenetworkconfigs.network test-vm -o yaml shows what the documentation shows', async () => {
    const { kubectl } = standalone
    const config = load(
      await kubectl.run(['get', 'virtualmachinenetworkconfigs.network', 'test-vm', '-o', 'yaml']),
    )
    const vmUid = await kubectl.run(['get', 'vm', 'test-vm', '-o', 'jsonpath={.metadata.uid}'])
    expect(config).toEqual({
      apiVersion: 'network.harvesterhci.io/v1alpha1',
      kind: 'VirtualMachineNetworkConfig',
      metadata: {
        creationTimestamp: TIME,
        finalizers: ['wrangler.cattle.io/vm-dhcp-vmnetcfg-controller'],
        generation: expect.any(Number),
        labels: { 'harvesterhci.io/vmName': 'test-vm' },
        name: 'test-vm',
        namespace: 'default',
        ownerReferences: [
          expect.objectContaining({
            apiVersion: 'kubevirt.io/v1',
            kind: 'VirtualMachine',
            name: 'test-vm',
            uid: vmUid,
          }),
        ],
        resourceVersion: expect.stringMatching(/^\d+$/),
        uid: UID,
      },
      spec: {
        networkConfig: [{ macAddress: LAB_VM_MAC, networkName: 'default/net-48' }],
        vmName: 'test-vm',
      },
      status: {
        // Beyond the documentation: for `kubectl get -o wide`.
        addresses: expect.stringMatching(/^192\.168\.48\.8[2-9]$/),
        conditions: expect.arrayContaining([
          { lastUpdateTime: TIME, status: 'True', type: 'Allocated' },
          { lastUpdateTime: TIME, status: 'False', type: 'Disabled' },
        ]),
        networkConfig: [
          {
            allocatedIPAddress: expect.stringMatching(/^192\.168\.48\.8[2-9]$/),
            macAddress: LAB_VM_MAC,
            networkName: 'default/net-48',
            state: 'Allocated',
          },
        ],
      },
    })
  })

  test('what kubectl get -o yaml prints of all pools can be applied again, and is checked', async () => {
    const { kubectl } = standalone
    const list = await kubectl.run(['get', 'ippools.network', '-o', 'yaml'])
    expect(await kubectl.run(['apply', '-f', '-'], list)).toMatch(/^ippool\S* configured\n$/)
    await expect(
      kubectl.run(['apply', '-f', '-'], list.replaceAll('leaseTime:', 'leaseTimer:')),
    ).rejects.toThrow(/unknown field "spec\.ipv4Config\.leaseTimer"/)
  })

  test('the VM Network is labelled with its pool', async () => {
    const labels = await standalone.kubectl.run([
      'get',
      'net-attach-def',
      'net-48',
      '-o',
      'jsonpath={.metadata.labels}',
    ])
    expect(JSON.parse(labels)).toMatchObject({
      'network.harvesterhci.io/clusternetwork': 'mgmt',
      'network.harvesterhci.io/ippool-namespace': 'default',
      'network.harvesterhci.io/ippool-name': 'net-48',
    })
  })

  test('the VM gets that address by DHCP; leases and tap tell of it', async () => {
    const { kubectl, kubeconfig } = standalone
    const address = (await kubectl.addresses('test-vm'))[LAB_VM_MAC]
    const machine = await lab.addMachine(lab.net48, 'test-vm', LAB_VM_MAC)
    const tap = startManagedDhcp(lab.server, ['tap', 'mdhcp.event.dhcp.>', '--kubeconfig', kubeconfig])
    const client = startClient('udhcpc', machine)
    // The tap says nothing before there is something to tell: what it missed comes again with the reboot.
    expect(formatIPv4Address((await client.start()).address)).toBe(address)
    await eventually('the tap follows', async () => {
      await client.reboot()
      return tap.stdout() === '' ? undefined : true
    })
    await client.reboot()
    await tap.says(new RegExp(`net-48\\.offer macAddress=${LAB_VM_MAC} address=${address} `))
    await tap.says(
      new RegExp(`net-48\\.ack macAddress=${LAB_VM_MAC} address=${address} clientState=selecting`),
    )
    expect(await tap.end('SIGTERM')).toBe(0)
    await client.stop()

    const leases = startManagedDhcp(lab.server, ['leases', '--kubeconfig', kubeconfig])
    await leases.says(/\n.*\n/)
    expect(leases.stdout().split('\n').map(words)).toEqual([
      ['POOL', 'NETWORK', 'ADDRESS', 'MAC', 'VM', 'STATE'],
      ['default/net-48', 'default/net-48', address, LAB_VM_MAC, 'default/test-vm', 'Allocated'],
      [],
    ])
  })
})

describe('the documentation’s example pool and its VirtualMachineNetworkConfig, made by hand', () => {
  let standalone: StandaloneHandle
  beforeAll(async () => {
    standalone = await startStandalone(lab, { dataDirectory: join(lab.folder, 'example') })
    await standalone.kubectl.applyExample('ippool-example.yaml')
    // The documentation creates it in a user interface, whenever the user comes to it.
    await standalone.kubectl.apply([network('example')])
    await standalone.kubectl.untilServed('example')
  })
  afterAll(() => standalone?.program.end('SIGTERM'))

  test('kubectl get ippools.network example prints the documented columns', async () => {
    const table = await standalone.kubectl.run(['get', 'ippools.network', 'example'])
    const [header, row] = table.split('\n').map(words)
    const columns = ['NAME', 'NETWORK', 'AVAILABLE', 'USED', 'REGISTERED', 'CACHEREADY', 'AGENTREADY']
    expect(header?.slice(0, 7)).toEqual(columns)
    expect(row?.slice(0, 7)).toEqual(['example', 'default/example', '98', '0', 'True', 'True', 'True'])
  })

  test('the documentation’s spelling gets an address, in the same spelling', async () => {
    const { kubectl } = standalone
    await kubectl.applyExample('vmnetcfg-test-vm.yaml')
    const address = await kubectl.untilAllocated('test-vm', HAND_MADE_MAC)
    expect(address).toMatch(/^192\.168\.100\.1\d\d$/)
    const status = await kubectl.run(['get', 'vmnetcfg', 'test-vm', '-o', 'jsonpath={.status.networkConfig}'])
    expect(JSON.parse(status)).toEqual([
      {
        allocatedIPAddress: address,
        macAddress: HAND_MADE_MAC,
        networkName: 'default/example',
        state: 'Allocated',
      },
    ])
    await kubectl.run(['delete', 'vmnetcfg', 'test-vm'])
  })

  test('the spelling of later releases gets the address that it names, in the same spelling', async () => {
    const { kubectl } = standalone
    await kubectl.applyExample('vmnetcfg-test-vm-plural.yaml')
    await eventually('the pinned address', async () =>
      (await kubectl.addresses('test-vm'))[HAND_MADE_MAC] === '192.168.100.120' ? true : undefined,
    )
    const status = await kubectl.run([
      'get',
      'vmnetcfg',
      'test-vm',
      '-o',
      'jsonpath={.status.networkConfigs}',
    ])
    expect(JSON.parse(status)).toMatchObject([{ allocatedIPAddress: '192.168.100.120', state: 'Allocated' }])
    expect((await kubectl.pool('example')).status?.ipv4).toMatchObject({ used: 1 })
  })
})

function words(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== '')
}

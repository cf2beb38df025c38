import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import type { DhcpClient } from '../../../src/lab/clients/client.ts'
import { runCommand } from '../../../src/network/command.ts'
import { packageFile } from '../../../src/runtime/package-root.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { type ControlPlane, sharedControlPlane } from '../control-plane/control-plane.ts'
import { readAuditLog } from '../deployed/audit-log.ts'
import {
  type Deployment,
  deploy,
  leave,
  uninstall,
  untilRolledOut,
  virtualMachine,
} from '../deployed/deployment.ts'
import { emptyCluster } from '../deployed/empty-cluster.ts'
import { SYSTEM_NAMESPACE } from '../deployed/names.ts'
import { isReady } from '../deployed/objects.ts'
import { readmeCommand, readmeCommands, runAsDocumented } from '../deployed/readme.ts'
import { showLogsOnFailure } from '../kubelet/report-on-failure.ts'
import {
  installOldDefinition,
  LEASES,
  leftBehind,
  list,
  OLD_AGENT,
  OLD_AGENT_IMAGE,
  oldAddOnWrites,
  put,
  startOldAgent,
} from './old-add-on.ts'

const TAKEOVER = 'In place of the vm-dhcp-controller add-on'
const POOL_DEFINITION = 'ippools.network.harvesterhci.io'
const FINALIZERS = {
  IPPool: ['wrangler.cattle.io/vm-dhcp-ippool-controller'],
  VirtualMachineNetworkConfig: ['wrangler.cattle.io/vm-dhcp-vmnetcfg-controller'],
}
/** 192.168.48.81 to .99 without two that are excluded and the router. */
const CAPACITY = 16
const NEW_VM = '02:00:00:00:00:01'
/** The old add-on serves it while ours is away. */
const MEANWHILE = ['02:00:00:00:00:09', '192.168.48.89'] as const

let deployed: Deployment | undefined
/** How many of our requests the audit log had before: other files use the same API server. */
let earlierRequests = 0
const clients: Record<string, DhcpClient> = {}

function system(): Deployment {
  if (deployed === undefined) throw new Error('nothing is deployed yet')
  return deployed
}

const ourRequests = ({ auditLog }: ControlPlane) =>
  readAuditLog(auditLog, (user) => user.startsWith(`system:serviceaccount:${SYSTEM_NAMESPACE}:managed-dhcp`))

beforeAll(async () => {
  const controlPlane = await sharedControlPlane()
  const { assets, kubeconfig } = controlPlane
  await emptyCluster()
  earlierRequests = (await ourRequests(controlPlane)).length
  const environment = { ...process.env, KUBECONFIG: kubeconfig }
  for (const object of leftBehind()) {
    await put(async (args, input) => {
      const { stdout } = await runCommand(`${assets}/kubectl`, args, { environment, input: input ?? '' })
      return stdout
    }, object)
  }
  deployed = await deploy({ images: { [OLD_AGENT_IMAGE]: { entrypoint: ['sleep', 'infinity'] } } })
})
afterAll(async () => {
  await Promise.all(Object.values(clients).map((client) => client.stop()))
  if (deployed === undefined) return
  try {
    // A test that failed half-way may have left nothing to uninstall, but pools and leases.
    await runAsDocumented(deployed.controlPlane, readmeCommand(TAKEOVER, 'kubectl apply'))
    await uninstall(deployed)
  } finally {
    await leave(deployed)
  }
})
showLogsOnFailure(() => deployed?.kubelets)

/** What a VirtualMachineNetworkConfig shows to its user. */
async function addressOf(name: string): Promise<string | undefined> {
  const json = await system().kubectl(['get', 'vmnetcfg', name, '-o', 'json'])
  const [entry] = networkStatuses(vmNetworkConfigSchema.parse(JSON.parse(json)))
  return entry?.state === 'Allocated' ? entry.allocatedIPAddress : undefined
}

/** The actors have looked at everything, and one of our pods serves. */
async function untilTakenOver() {
  await untilRolledOut(system())
  await eventually(
    'every object to be looked at',
    async () => {
      for (const { metadata, status } of await list(system().kubectl, 'vmnetcfg')) {
        const seen = vmNetworkConfigSchema.parse({ metadata, spec: {}, status })
        const types = seen.status?.conditions?.map(({ type }) => type).sort()
        expect(types, metadata.name).toEqual(['Allocated', 'Disabled', 'InSynced'])
      }
      return true
    },
    { seconds: 40 },
  )
  return eventually(
    'our agent to serve',
    async () => {
      const pool = await system().objects.pool('net-48')
      const ours = await system().objects.pods('agent')
      const serving = ours.find(({ metadata }) => metadata.name === pool.status?.agentPodRef?.name)
      expect(pool.status?.observedGeneration).toBe(pool.metadata.generation)
      return serving !== undefined && isReady(serving) ? pool : undefined
    },
    { seconds: 40 },
  )
}

async function expectAddressesKept(more: Record<string, readonly [string, string]> = {}): Promise<void> {
  for (const [name, [mac, address]] of Object.entries({ ...LEASES, ...more })) {
    expect(await addressOf(name), name).toBe(address)
    const { status } = await system().objects.pool('net-48')
    expect(status?.ipv4?.allocated, name).toHaveProperty([address], mac)
  }
}

async function expectCountsRight(): Promise<void> {
  const { status } = await system().objects.pool('net-48')
  const { allocated = {}, used = 0, available = 0 } = status?.ipv4 ?? {}
  expect(used).toBe(Object.values(allocated).filter((text) => text.includes(':')).length)
  expect(used + available).toBe(CAPACITY)
}

/** A DHCP client that knows nothing yet, on a machine with this MAC. */
async function leased(name: string, mac: string): Promise<string> {
  const client = await system().machine('default/net-48', name, mac)
  clients[name] = client
  return formatIPv4Address((await client.start()).address)
}

/** All that a user or the old add-on may have written: without the status, and what the API server counts. */
async function written(): Promise<unknown[]> {
  const kinds = await Promise.all(['ippools.network', 'vmnetcfg'].map((kind) => list(system().kubectl, kind)))
  return kinds.flat().map(({ status: _, ...object }) => {
    const { resourceVersion: _version, managedFields: _fields, ...metadata } = object.metadata
    return { ...object, metadata }
  })
}

describe('installed in place of the old add-on', () => {
  test('the pool and every VM keep their addresses, and the counts and conditions are right', async () => {
    const pool = await untilTakenOver()
    await expectAddressesKept()
    await expectCountsRight()
    expect(pool.status?.ipv4?.allocated).toMatchObject({
      '192.168.48.81': 'EXCLUDED',
      '192.168.48.85': 'RESERVED',
      '192.168.48.90': 'EXCLUDED',
    })
    // Excluded once, not any more.
    expect(pool.status?.ipv4?.allocated).not.toHaveProperty(['192.168.48.83'])
    const conditions = Object.fromEntries(
      pool.status?.conditions?.map(({ type, status }) => [type, status]) ?? [],
    )
    expect(conditions).toEqual({
      Registered: 'True',
      CacheReady: 'True',
      AgentReady: 'True',
      Stopped: 'False',
    })
    expect(await addressOf('paused')).toBeUndefined()
  })

  test('status.agentPodRef names our living pod, with nothing left of the old one', async () => {
    const { status } = await system().objects.pool('net-48')
    const [agent] = await system().objects.pods('agent')
    expect(status?.agentPodRef).toEqual({ namespace: SYSTEM_NAMESPACE, name: agent?.metadata.name })
  })

  test('what the old add-on and users wrote is as it was: only the status is written', async () => {
    const before = leftBehind()
    for (const { kind, metadata } of before) {
      if (kind !== 'IPPool' && kind !== 'VirtualMachineNetworkConfig') continue
      const now = (await list(system().kubectl, kind === 'IPPool' ? 'ippools.network' : 'vmnetcfg')).find(
        (object) => object.metadata.name === metadata.name,
      )
      expect(now?.spec, metadata.name).toEqual(before.find((object) => object.metadata === metadata)?.spec)
      expect(now?.metadata.generation, metadata.name).toBe(1)
      expect(now?.metadata.finalizers, metadata.name).toEqual(FINALIZERS[kind])
      expect(now?.metadata.labels, metadata.name).toEqual(metadata.labels)
      expect(now?.metadata.annotations, metadata.name).toEqual(metadata.annotations)
    }
    const requests = (await ourRequests(system().controlPlane)).slice(earlierRequests)
    const writes = requests.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
    const of = (...resources: string[]) => writes.filter(({ resource }) => resources.includes(resource))
    expect(of('ippools', 'virtualmachinenetworkconfigs', 'network-attachment-definitions')).toEqual([])
    // A VM's object: once for what is new in the status, once more where the pool was not known yet; by each leader.
    const transitions = await system().kubectl([
      ...['-n', SYSTEM_NAMESPACE, 'get', 'lease', 'managed-dhcp-controller'],
      ...['-o', 'jsonpath={.spec.leaseTransitions}'],
    ])
    const leaders = Number(transitions) + 1
    for (const { metadata } of before.filter(({ kind }) => kind === 'VirtualMachineNetworkConfig')) {
      const own = of('virtualmachinenetworkconfigs/status').filter(({ name }) => name === metadata.name)
      expect(own.length, metadata.name).toBeGreaterThan(0)
      expect(own.length, metadata.name).toBeLessThanOrEqual(2 * leaders)
    }
    expect(of('ippools/status').length).toBeGreaterThan(0)
  })

  test('what was true stays true since when it was', async () => {
    const { status } = await system().objects.pool('net-48')
    const since = Object.fromEntries(
      status?.conditions?.map(({ type, lastUpdateTime }) => [type, lastUpdateTime]) ?? [],
    )
    expect(since).toMatchObject({
      Registered: '2025-06-01T09:00:00Z',
      CacheReady: '2025-06-01T09:00:00Z',
      Stopped: '2025-06-01T09:00:00Z',
    })
  })

  test('a DHCP client with each VM’s MAC gets exactly the address that the VM had', async () => {
    for (const [name, [mac, address]] of Object.entries(LEASES)) {
      expect(await leased(name, mac), name).toBe(address)
    }
  })

  test('a new VM gets an address that nobody had, and nothing else is touched for it', async () => {
    const before = await written()
    const had: string[] = [...Object.values(LEASES).map(([, address]) => address), '192.168.48.97']
    await system().apply(virtualMachine('new', NEW_VM))
    const address = await system().objects.untilAllocated('new', NEW_VM)
    expect(had).not.toContain(address)
    expect(await leased('new', NEW_VM)).toBe(address)
    await expectCountsRight()
    expect(await written()).toEqual(expect.arrayContaining(before))
  })
})

describe('the way back and forth', () => {
  let address: string | undefined
  let revision = 0

  test('the first three steps of the uninstall leave every object there, with the old finalizers', async () => {
    address = await addressOf('new')
    revision = (await system().objects.pool('net-48')).status?.ipv4?.revision ?? 0
    const before = await written()
    const [steps = ''] = readmeCommands('Uninstall')
    expect(steps).toContain('# 3. ')
    await runAsDocumented(system().controlPlane, steps)

    expect(await written()).toEqual(before)
    for (const { kind, metadata } of [
      ...(await list(system().kubectl, 'ippools.network')),
      ...(await list(system().kubectl, 'vmnetcfg')),
    ]) {
      const known = kind === 'IPPool' ? FINALIZERS.IPPool : FINALIZERS.VirtualMachineNetworkConfig
      expect(metadata.finalizers, metadata.name).toEqual(known)
    }
    await expectAddressesKept()
    const workloads = ['get', 'deployments,statefulsets', '-n', SYSTEM_NAMESPACE, '-o', 'name']
    expect(await system().kubectl(workloads)).toBe('')
  })

  test('the old add-on drops what it does not know, and every VM has its address still', async () => {
    const [mac, given] = MEANWHILE
    await startOldAgent(system().kubectl)
    await system().apply(virtualMachine('meanwhile', mac))
    const entry = { macAddress: mac, networkName: 'default/net-48' }
    await put(system().kubectl, {
      apiVersion: 'network.harvesterhci.io/v1alpha1',
      kind: 'VirtualMachineNetworkConfig',
      metadata: {
        name: 'meanwhile',
        namespace: 'default',
        labels: { 'harvesterhci.io/vmName': 'meanwhile' },
        finalizers: FINALIZERS.VirtualMachineNetworkConfig,
        ownerReferences: [
          { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name: 'meanwhile', uid: '' },
        ],
      },
      spec: { vmName: 'meanwhile', networkConfigs: [entry] },
      status: { networkConfigs: [{ ...entry, allocatedIPAddress: given, state: 'Allocated' }] },
    })
    await oldAddOnWrites(system().kubectl, { [given]: mac })

    const { status } = await system().objects.pool('net-48')
    expect(status).not.toHaveProperty('observedGeneration')
    expect(status?.ipv4).not.toHaveProperty('revision')
    expect(status?.agentPodRef?.name).toBe(OLD_AGENT)
    await expectAddressesKept({ meanwhile: MEANWHILE })
    expect(await addressOf('new')).toBe(address)
  })

  test('installed again as documented: every VM has the same address, and our agent is the one that counts', async () => {
    const before = await written()
    await installOldDefinition(system().kubectl, POOL_DEFINITION)
    const unforced = ['apply', '--server-side', '-k', packageFile('deploy', 'crds')]
    expect(await system().refusal(unforced)).toMatch(/conflict.* with "helm"/)
    await runAsDocumented(system().controlPlane, readmeCommand(TAKEOVER, 'kubectl apply'))
    const pool = await untilTakenOver()

    await expectAddressesKept({ meanwhile: MEANWHILE })
    expect(await addressOf('new')).toBe(address)
    await expectCountsRight()
    expect(await written()).toEqual(before)
    expect(await system().kubectl(['get', 'ippools.network', 'net-48'])).toMatch(/AVAILABLE +USED/)
    // The old pod lives, is Ready and has our labels; it is not ours for all that.
    // Nor is the pod of ours that went with the first installation, which the garbage collector may still have.
    const agent = await eventually(
      'one agent of ours',
      async () => {
        const [one, ...others] = await system().objects.pods('agent')
        return others.length === 0 ? one : undefined
      },
      { seconds: 60 },
    )
    expect(pool.status?.agentPodRef).toEqual({ namespace: SYSTEM_NAMESPACE, name: agent.metadata.name })
    await system().objects.untilServed('net-48')
    expect((await system().objects.pool('net-48')).status?.ipv4?.revision).toBeGreaterThan(revision)
  })

  test('the old agent’s pod is taken away as documented, and ours goes on', async () => {
    await runAsDocumented(system().controlPlane, readmeCommand(TAKEOVER, 'delete pod'))
    const { status } = await system().objects.untilServed('net-48')
    expect(status?.agentPodRef?.name).not.toBe(OLD_AGENT)
    for (const [name, client] of Object.entries(clients)) {
      expect(formatIPv4Address((await client.renew()).address), name).toBe(await addressOf(name))
    }
  })

  test('clients get their addresses of the new agent, and so does a VM that is new', async () => {
    expect(await leased('meanwhile', MEANWHILE[0])).toBe(MEANWHILE[1])
    await system().apply(virtualMachine('newer', '02:00:00:00:00:0a'))
    const newer = await system().objects.untilAllocated('newer', '02:00:00:00:00:0a')
    expect(await leased('newer', '02:00:00:00:00:0a')).toBe(newer)
    await clients.lower?.stop()
    const again = await clients.lower?.start()
    expect(again && formatIPv4Address(again.address)).toBe(LEASES.lower[1])
    await expectCountsRight()
  })
})

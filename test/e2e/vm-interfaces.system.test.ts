import { afterAll, beforeAll, expect, test } from 'vitest'
import { type IPPool, ipPoolSchema } from '../../src/api/ippool.ts'
import { eventually } from './support/eventually.ts'
import type { Kubectl, Manifest } from './support/kubectl.ts'
import {
  createE2eLab,
  type E2eLab,
  EXAMPLE,
  NET_48,
  type StandaloneHandle,
  startStandalone,
} from './support/lab.ts'
import { exampleManifest, network, nicSpec, virtualMachine } from './support/manifests.ts'

/** An address given back rests for so long. */
const LEASE_SECONDS = 5
const FIRST_MAC = '02:00:00:00:02:01'
const SECOND_MAC = '02:00:00:00:02:02'

let lab: E2eLab
let standalone: StandaloneHandle
let kubectl: Kubectl
beforeAll(async () => {
  lab = await createE2eLab()
  standalone = await startStandalone(lab)
  kubectl = standalone.kubectl
  await kubectl.apply([network('example')])
  await kubectl.applyExample('nad-net-48.yaml')
  // From the start: whoever had a lease of 300 seconds could use it for so long.
  await kubectl.apply(
    ['example', 'net-48'].map((name) => withLeaseTime(exampleManifest(`ippool-${name}.yaml`))),
  )
  for (const pool of ['example', 'net-48']) await kubectl.untilServed(pool)
})
afterAll(async () => {
  await standalone?.program.end('SIGTERM')
  await lab?.close()
})

test('an address follows its NIC through the life of a VM, and comes back at the end', async () => {
  const nic = { name: 'nic-1', macAddress: FIRST_MAC, networkName: 'net-48' }
  await kubectl.apply([virtualMachine('pet', [nic])])
  const first = await kubectl.untilAllocated('pet', FIRST_MAC)
  expect(await held('net-48')).toEqual({ [first]: FIRST_MAC })

  // The MAC address is changed: the new one has an address; the old one's rests.
  await kubectl.patch('vm', 'pet', { spec: nicSpec([{ ...nic, macAddress: SECOND_MAC }]) })
  const second = await kubectl.untilAllocated('pet', SECOND_MAC)
  expect(second).not.toBe(first)
  expect(await kubectl.addresses('pet')).toEqual({ [SECOND_MAC]: second })
  // Of one look: it rests for seconds only.
  await eventually('the first address rests', async () => {
    const { ipv4 } = (await kubectl.pool('net-48')).status ?? {}
    expect(leases(ipv4)).toEqual({ [second]: SECOND_MAC })
    expect(rests(ipv4)).toMatchObject({ [first]: FIRST_MAC })
    return true
  })

  // The NIC is moved to another network.
  await kubectl.patch('vm', 'pet', {
    spec: nicSpec([{ ...nic, macAddress: SECOND_MAC, networkName: EXAMPLE.name }]),
  })
  const third = await eventually('an address of the other network', async () => {
    const address = (await kubectl.addresses('pet'))[SECOND_MAC]
    return address?.startsWith('192.168.100.') ? address : undefined
  })
  await untilHeld('net-48', {})
  expect(await held('example')).toEqual({ [third]: SECOND_MAC })

  // A second NIC is plugged in; then the first is unplugged.
  const nics = [
    { ...nic, macAddress: SECOND_MAC, networkName: EXAMPLE.name },
    { name: 'nic-2', macAddress: FIRST_MAC, networkName: NET_48.name },
  ]
  await kubectl.patch('vm', 'pet', { spec: nicSpec(nics) })
  const fourth = await kubectl.untilAllocated('pet', FIRST_MAC)
  await kubectl.patch('vm', 'pet', {
    spec: nicSpec(nics.map((one) => (one.name === 'nic-1' ? { ...one, state: 'absent' as const } : one))),
  })
  await untilHeld('example', {})
  await eventually('pet has one address', async () => {
    expect(await kubectl.addresses('pet')).toEqual({ [FIRST_MAC]: fourth })
    return true
  })

  // The VM is deleted: its VirtualMachineNetworkConfig goes with it, and every address comes back.
  await kubectl.run(['delete', 'vm', 'pet', '--timeout=20s'])
  await kubectl.run(['wait', '--for=delete', 'vmnetcfg/pet', '--timeout=20s'])
  await untilHeld('net-48', {})
  await eventually('nothing rests any more', async () => {
    const addresses = [...Object.keys(await resting('net-48')), ...Object.keys(await resting('example'))]
    return addresses.length === 0 ? true : undefined
  })
  expect((await kubectl.pool('net-48')).status?.ipv4).toMatchObject({ used: 0, available: 8 })
  expect((await kubectl.pool('example')).status?.ipv4).toMatchObject({ used: 0, available: 98 })
})

test('a resting address is not given to another VM, however full the pool is; after its rest it is', async () => {
  const vm = (index: number) =>
    virtualMachine(`vm-${index}`, [
      { name: 'nic-1', macAddress: `02:00:00:00:04:0${index}`, networkName: NET_48.name },
    ])
  await kubectl.apply([1, 2, 3, 4, 5, 6, 7, 8].map(vm))
  const address = await kubectl.untilAllocated('vm-1', '02:00:00:00:04:01')
  for (const index of [2, 3, 4, 5, 6, 7, 8]) {
    await kubectl.untilAllocated(`vm-${index}`, `02:00:00:00:04:0${index}`)
  }
  // Its guest may run on for a while.
  await kubectl.patch('vmnetcfg', 'vm-1', { spec: { paused: true } })
  const until = await eventually('the address rests', async () => {
    const { resting: entries = {} } = (await kubectl.pool('net-48')).status?.ipv4 ?? {}
    return entries[address]?.until
  })
  await kubectl.apply([vm(9)])
  const given = await kubectl.untilAllocated('vm-9', '02:00:00:00:04:09')
  expect(given).toBe(address)
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(until))
  // The one that waits says so, and whom to ask.
  await kubectl.patch('vmnetcfg', 'vm-1', { spec: { paused: false } })
  await eventually('vm-1 is told why it has no address', async () => {
    const status = await kubectl.run(['get', 'vmnetcfg', 'vm-1', '-o', 'jsonpath={.status.conditions}'])
    return status.includes('no free address: 8 of 8 held, 0 resting, 2 excluded; enlarge') ? true : undefined
  })
})

type IPv4Status = NonNullable<IPPool['status']>['ipv4']

async function held(pool: string): Promise<Record<string, string>> {
  return leases((await kubectl.pool(pool)).status?.ipv4)
}

function leases(ipv4: IPv4Status): Record<string, string> {
  const { allocated = {} } = ipv4 ?? {}
  return Object.fromEntries(Object.entries(allocated).filter(([, mac]) => mac.includes(':')))
}

async function untilHeld(pool: string, expected: Record<string, string>): Promise<void> {
  await eventually(`${pool} holds ${JSON.stringify(expected)}`, async () =>
    JSON.stringify(await held(pool)) === JSON.stringify(expected) ? true : undefined,
  )
}

async function resting(pool: string): Promise<Record<string, string>> {
  return rests((await kubectl.pool(pool)).status?.ipv4)
}

function rests(ipv4: IPv4Status): Record<string, string> {
  const entries = ipv4?.resting ?? {}
  return Object.fromEntries(Object.entries(entries).map(([address, { macAddress }]) => [address, macAddress]))
}

function withLeaseTime(manifest: Manifest): Manifest {
  const { spec, ...rest } = ipPoolSchema.parse(manifest)
  return { ...rest, spec: { ...spec, ipv4Config: { ...spec.ipv4Config, leaseTime: LEASE_SECONDS } } }
}

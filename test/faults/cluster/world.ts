import pino from 'pino'
import { expect } from 'vitest'
import type { KubeObject } from '../../../src/api/object.ts'
import { VIRTUAL_MACHINES } from '../../../src/api/resource.ts'
import { type MacAddress, parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { seconds } from '../../../src/api/values/time.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import { createKubeStore, type KubeStore } from '../../../src/kube/client.ts'
import { AlreadyExistsError, NotFoundError } from '../../../src/kube/errors.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import {
  type Deployment,
  deploy,
  leave,
  untilRolledOut,
  virtualMachine,
} from '../../cluster/deployed/deployment.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import type { Move } from '../history/moves.ts'
import { createGuests, type Guest } from './guests.ts'
import { ClientHistory } from './history.ts'
import { openPortCutter, type PortCutter } from './port-cutter.ts'
import type { Comer } from './round.ts'
import { type Truth, watchTruth } from './truth.ts'
import { createUsers, type Users } from './users.ts'

/** A VM object, whether or not there is a machine for it. */
export interface Vm {
  readonly name: string
  readonly mac: MacAddress
}

/** One deployment of the product, with VMs that run through everything that is done to it. */
export interface FaultWorld {
  readonly system: Deployment
  readonly store: KubeStore
  readonly cutter: PortCutter
  readonly history: ClientHistory
  readonly truth: Truth
  readonly users: Users
  /** Besides the residents, the VMs that are there: those of the last round. */
  present: readonly Comer[]
  turn: number
  /** Changes of address that could not be helped. */
  readonly excused: Move[]
  /** Leases that could not be kept, as they are told. */
  readonly excusedLosses: string[]
  /** They run all the time, and renew their leases. */
  readonly residents: readonly Guest[]
  /** They are switched on for a while. */
  readonly visitors: readonly Guest[]
  close(): Promise<void>
}

export const NETWORK = 'default/net-48'
/** Renewals come every quarter of a minute, besides those that are asked for. */
export const LEASE_SECONDS = 30
/** For the residents and for one storm, while a few of the last are there still: what is given back is soon given again. */
const [FIRST, LAST] = [81, 120]
const CAPACITY = LAST - FIRST + 1

const RESIDENTS: readonly ClientKind[] = [
  ...(['udhcpc', 'udhcpc', 'udhcpc', 'udhcpc', 'udhcpc', 'udhcpc'] as const),
  ...(['dhclient', 'dhclient', 'dhclient', 'dhclient'] as const),
]
const VISITORS: readonly ClientKind[] = Array.from({ length: 12 }, () => 'udhcpc')

const POOL = {
  apiVersion: 'network.harvesterhci.io/v1alpha1',
  kind: 'IPPool',
  metadata: { name: 'net-48', namespace: 'default' },
  spec: {
    networkName: NETWORK,
    ipv4Config: {
      serverIP: '192.168.48.77',
      cidr: '192.168.48.0/24',
      pool: { start: `192.168.48.${FIRST}`, end: `192.168.48.${LAST}` },
      router: '192.168.48.1',
      leaseTime: LEASE_SECONDS,
    },
  },
}

/** Deploys the product, makes a network and a pool, and starts the residents. */
export async function createFaultWorld(): Promise<FaultWorld> {
  const system = await deploy()
  const store = createKubeStore({
    kubeconfig: system.controlPlane.kubeconfig,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    requestTimeout: seconds(3),
  })
  const cutter = await openPortCutter()
  const history = new ClientHistory()
  await system.applyExample('nad-net-48.yaml')
  await system.apply(POOL)
  const truth = await watchTruth(store, CAPACITY)
  const guestsOf = (name: string, group: number, kinds: readonly ClientKind[]) =>
    createGuests(system.kubelets, history, { name, group, kinds, network: NETWORK })
  const residents = await guestsOf('resident', 1, RESIDENTS)
  const visitors = await guestsOf('visitor', 2, VISITORS)
  await system.objects.untilServed('net-48', { seconds: 60 })
  await Promise.all(residents.map((resident) => createVm(store, resident)))
  await Promise.all(residents.map((resident) => resident.boot()))

  return {
    system,
    store,
    cutter,
    history,
    truth,
    users: createUsers(store, truth),
    present: [],
    turn: 0,
    excused: [],
    excusedLosses: [],
    residents,
    visitors,
    async close() {
      await Promise.all([...residents, ...visitors].map((guest) => guest.powerOff()))
      truth.close()
      store.close()
      await cutter.close()
      await leave(system)
    },
  }
}

/** As a user does who is told of an error: again, until it is there. */
export async function createVm(
  store: KubeStore,
  { name, mac }: Vm,
  annotations: Record<string, string> = {},
): Promise<void> {
  const bare = virtualMachine(name, mac, NETWORK)
  const vm: KubeObject = { ...bare, metadata: { ...bare.metadata, annotations } }
  await eventually(
    `VirtualMachine ${name} to be created`,
    () =>
      store.create(VIRTUAL_MACHINES, vm).then(
        () => true,
        (error: unknown) => {
          if (error instanceof AlreadyExistsError) return true
          throw error
        },
      ),
    { seconds: 60 },
  )
}

export async function deleteVm(store: KubeStore, { name }: Vm): Promise<void> {
  await eventually(
    `VirtualMachine ${name} to be deleted`,
    () =>
      store.delete(VIRTUAL_MACHINES, { namespace: 'default', name }).then(
        () => true,
        (error: unknown) => {
          if (error instanceof NotFoundError) return true
          throw error
        },
      ),
    { seconds: 60 },
  )
}

/** After quiet: what is allocated is what was asked for, and every VM was told what the pool has for it. */
export async function untilQuiet({ truth }: FaultWorld, vms: readonly Vm[]): Promise<void> {
  const asked = vms.map(({ mac }) => mac).sort()
  let seen: { allocated: string[]; told: unknown } | undefined
  try {
    await eventually(
      'the pool to hold what was asked for',
      () => {
        const byMac = new Map([...truth.allocated()].map(([address, mac]) => [parseMacAddress(mac), address]))
        const told = truth.told()
        seen = { allocated: [...byMac.keys()].sort(), told: Object.fromEntries(told) }
        const isAllocated = seen.allocated.join() === asked.join()
        const isTold = told.size === byMac.size && [...byMac].every(([mac, at]) => told.get(mac) === at)
        return isAllocated && isTold ? true : undefined
      },
      { seconds: 60 },
    )
  } catch {
    expect(seen?.allocated, `told: ${JSON.stringify(seen?.told)}`).toEqual(asked)
    throw new Error(`VMs were told something else than what the pool has: ${JSON.stringify(seen)}`)
  }
}

/** Everything is as it was deployed, so that the next fault finds nothing broken. */
export async function untilRecovered({ system }: FaultWorld): Promise<void> {
  await untilRolledOut(system)
  await system.objects.untilServed('net-48', { seconds: 60 })
}

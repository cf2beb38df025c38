import type { DhcpClient } from '../../../simulations/clients/client.ts'
import type { HeldLease } from '../../../simulations/clients/state.ts'
import type { Invariant } from '../../../simulations/invariants/invariant.ts'
import { Judge } from '../../../simulations/invariants/judge.ts'
import type { RunningClient } from '../../../simulations/world/guests.ts'
import type { IPPool, IPPoolStatus } from '../../../src/api/ippool.ts'
import type { KubeObject } from '../../../src/api/object.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { toInstant } from '../../../src/api/values/time.ts'
import type { VmNetworkConfig } from '../../../src/api/vm-network-config.ts'
import { condition, poolObject, TEST_MAC } from '../../support/objects.ts'

export const OTHER_MAC = 'ca:70:82:e6:84:6f'
export const ADDRESS = '192.168.48.84'

type LawOf = (judge: Judge) => Invariant

/** One law, and hand-made changes that it is to judge. */
export class Court {
  /** Milliseconds of true time. */
  now = 0
  clients: RunningClient[] = []
  readonly judge: Judge
  readonly #objects = new Map<string, KubeObject>()

  constructor(lawOf: LawOf) {
    this.judge = new Judge({
      now: () => this.now,
      clients: () => this.clients,
      lifeOf: () => 0,
      found: () => {},
    })
    this.judge.add(lawOf(this.judge))
  }

  pool(pool: IPPool, by = 'controller-1'): void {
    this.#write('ippools', pool, by)
  }

  vm(vm: KubeObject): void {
    this.#write('virtualmachines', vm, 'operator')
  }

  config(config: KubeObject, by = 'controller-1'): void {
    this.#write('virtualmachinenetworkconfigs', config, by)
  }

  configIsGone(by = 'controller-1', name = 'test-vm'): void {
    const key = `virtualmachinenetworkconfigs default/${name}`
    const previous = this.#objects.get(key)
    this.#objects.delete(key)
    this.judge.committed({ plural: 'virtualmachinenetworkconfigs', previous, next: undefined, by })
  }

  /** The laws that were broken so far, or are broken after quiet. */
  afterQuiet(): string[] {
    this.judge.quiet()
    return this.broken()
  }

  broken(): string[] {
    return this.judge.violations.map(({ law }) => law)
  }

  #write(plural: string, next: KubeObject, by: string): void {
    const key = `${plural} ${next.metadata.namespace}/${next.metadata.name}`
    const previous = this.#objects.get(key)
    this.#objects.set(key, next)
    this.judge.committed({ plural, previous, next, by })
  }
}

const MARKS = { '192.168.48.81': 'EXCLUDED', '192.168.48.90': 'EXCLUDED' }

/** The pool net-48 in good order, with 8 addresses, of which these are held; but for what a test says. */
export function orderly(
  leases: Record<string, string> = {},
  changes: Parameters<typeof poolObject>[0] & { ipv4?: NonNullable<IPPoolStatus['ipv4']> } = {},
): IPPool {
  const { ipv4, status, ...rest } = changes
  const used = Object.keys(leases).length
  return poolObject({
    ...rest,
    status: {
      observedGeneration: 1,
      conditions: [
        condition('Registered', 'True'),
        condition('CacheReady', 'True'),
        condition('AgentReady', 'True'),
        condition('Stopped', 'False'),
      ],
      ...status,
      ipv4: { allocated: { ...MARKS, ...leases }, used, available: 8 - used, revision: used, ...ipv4 },
    },
  })
}

/** A status of a VirtualMachineNetworkConfig that says this of TEST_MAC. */
export function told(
  state: 'Allocated' | 'Pending',
  details: { address?: string; message?: string; mac?: string } = {},
): NonNullable<VmNetworkConfig['status']> {
  const { address, message, mac = TEST_MAC } = details
  const entry = {
    macAddress: mac,
    networkName: 'default/net-48',
    state,
    ...(address === undefined ? {} : { allocatedIPAddress: address }),
    ...(message === undefined ? {} : { message }),
  }
  return {
    networkConfig: [entry],
    conditions: [
      condition('Allocated', state === 'Allocated' ? 'True' : 'False'),
      condition('Disabled', 'False'),
      condition('InSynced', 'True'),
    ],
  }
}

/** The client of TEST_MAC, which was acknowledged this address. */
export function clientWith(address: string): RunningClient {
  const at = toInstant(0)
  const lease: HeldLease = {
    address: parseIPv4Address(address),
    server: parseIPv4Address('192.168.48.77'),
    leaseSeconds: 300,
    since: at,
    acknowledgedAt: at,
    renewAt: at,
    rebindAt: at,
    expiresAt: at,
  }
  const nothing = () => {}
  const client: DhcpClient = {
    name: 'test-vm/nic-1',
    state: () => 'BOUND',
    lease: () => lease,
    memory() {
      throw new Error('nobody asks for its memory')
    },
    ignored: { corrupt: 0, foreign: 0 },
    release: nothing,
    restart: nothing,
    stop: nothing,
  }
  return { name: 'client test-vm/nic-1', vm: 'test-vm', network: 'net-48', mac: TEST_MAC, since: 0, client }
}

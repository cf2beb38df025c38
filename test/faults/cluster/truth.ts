import pino from 'pino'
import { type IPPool, ipPoolSchema } from '../../../src/api/ippool.ts'
import { IP_POOLS, VM_NETWORK_CONFIGS } from '../../../src/api/resource.ts'
import { type MacAddress, parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { milliseconds } from '../../../src/api/values/time.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import { createInformer } from '../../../src/kube/informer.ts'
import type { Store } from '../../../src/kube/store.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'

/** What the API says of the pool and of who was told an address, watched all the time. */
export interface Truth {
  /** Address to MAC, without marks, as the IPPool's status has it now. */
  allocated(): ReadonlyMap<string, string>
  /** The IPPool's status keeps this address for a client that may still use it. */
  isResting(address: string): boolean
  /** MAC to address, as VirtualMachineNetworkConfigs say. */
  told(): ReadonlyMap<MacAddress, string>
  /** What was wrong with a state that the IPPool had at any time. */
  readonly wrongs: readonly string[]
  /** Resolves when a VirtualMachineNetworkConfig tells of an address for this MAC. @returns when */
  untilTold(mac: MacAddress): Promise<number>
  /** Resolves when the VirtualMachineNetworkConfig of this name is gone. @returns true */
  untilGone(name: string): Promise<true>
  /** The API goes back on purpose: what it promised these since, and does not know then, is not held against it. */
  forgetPromises(macs: readonly MacAddress[]): void
  close(): void
}

const BACKOFF = { first: milliseconds(100), longest: milliseconds(500) }

/** @param capacity of the pool */
export async function watchTruth(store: Store, capacity: number): Promise<Truth> {
  const parts = { store, clock: systemClock, random: systemRandom, log: pino({ level: 'silent' }) }
  const pools = createInformer({ ...parts, resource: IP_POOLS, backoff: BACKOFF })
  const configs = createInformer({ ...parts, resource: VM_NETWORK_CONFIGS, backoff: BACKOFF })
  const wrongs: string[] = []
  const promised = new Map<string, string>()
  const waiting = new Map<string, ((at: number) => void)[]>()
  let allocated: ReadonlyMap<string, string> = new Map()
  const leaving = new Map<string, (() => void)[]>()
  let resting: Resting = {}
  let seen: IPPool | undefined

  pools.onChange((_key, object) => {
    if (object === undefined) return
    const pool = ipPoolSchema.parse(object)
    allocated = leasesOf(pool)
    resting = pool.status?.ipv4?.resting ?? {}
    wrongs.push(...wrongsOf(pool, capacity), ...takenTooEarly(seen, pool, Date.now()))
    seen = pool
  })
  configs.onChange((key, object, previous) => {
    if (object === undefined) {
      for (const [mac] of toldIn(previous)) promised.delete(mac)
      for (const resolve of leaving.get(key.name) ?? []) resolve()
      leaving.delete(key.name)
      return
    }
    for (const [mac, address] of toldIn(object)) {
      const before = promised.get(mac)
      if (before !== undefined && before !== address) {
        wrongs.push(`${mac} of ${key.name} was told ${before} and later ${address}`)
      }
      promised.set(mac, address)
      for (const resolve of waiting.get(mac) ?? []) resolve(performance.now())
      waiting.delete(mac)
    }
  })
  const told = () => new Map(configs.list().flatMap(toldIn))
  pools.start()
  configs.start()
  await Promise.all([pools.whenSynced(), configs.whenSynced()])
  return {
    allocated: () => allocated,
    isResting: (address) => address in resting,
    told,
    wrongs,
    untilTold(mac) {
      if (told().has(mac)) return Promise.resolve(performance.now())
      return new Promise((resolve) => waiting.set(mac, [...(waiting.get(mac) ?? []), resolve]))
    },
    untilGone(name) {
      const isThere = configs.list().some(({ metadata }) => metadata.name === name)
      if (!isThere) return Promise.resolve(true)
      return new Promise((resolve) => leaving.set(name, [...(leaving.get(name) ?? []), () => resolve(true)]))
    },
    forgetPromises(macs) {
      for (const mac of macs) promised.delete(mac)
    },
    close() {
      pools.stop()
      configs.stop()
    },
  }
}

function leasesOf({ status }: IPPool): Map<string, string> {
  return new Map(Object.entries(status?.ipv4?.allocated ?? {}).filter(([, holder]) => holder.includes(':')))
}

type Resting = NonNullable<NonNullable<NonNullable<IPPool['status']>['ipv4']>['resting']>

/** Addresses that one client may still use, and that another MAC was given. A pool that went back knows no better. */
export function takenTooEarly(before: IPPool | undefined, after: IPPool, now: number): string[] {
  const { resting = {}, revision = 0 } = before?.status?.ipv4 ?? {}
  if (before?.metadata.uid !== after.metadata.uid || revision > (after.status?.ipv4?.revision ?? 0)) return []
  return [...leasesOf(after)].flatMap(([address, holder]) => {
    const rest = resting[address]
    if (rest === undefined || rest.macAddress === holder || Date.parse(rest.until) <= now) return []
    return [`${holder} was given ${address}, which rests for ${rest.macAddress} until ${rest.until}`]
  })
}

/** Law 8, and one address for a MAC. */
function wrongsOf(pool: IPPool, capacity: number): string[] {
  const { used, available, revision } = pool.status?.ipv4 ?? {}
  if (used === undefined || available === undefined) return []
  const leases = leasesOf(pool)
  const at = `at revision ${revision}`
  const twice = leases.size - new Set(leases.values()).size
  return [
    ...(twice > 0 ? [`${twice} MACs hold two addresses ${at}`] : []),
    ...(used + available === capacity ? [] : [`used ${used} + available ${available} ≠ ${capacity} ${at}`]),
    ...(used === leases.size ? [] : [`used ${used}, but ${leases.size} are allocated ${at}`]),
  ]
}

function toldIn(object: unknown): [MacAddress, string][] {
  const parsed = vmNetworkConfigSchema.safeParse(object)
  if (!parsed.success) return []
  return networkStatuses(parsed.data).flatMap(({ macAddress, allocatedIPAddress, state }) =>
    state === 'Allocated' && allocatedIPAddress !== undefined
      ? [[parseMacAddress(macAddress), allocatedIPAddress]]
      : [],
  )
}

import type { KubeObject } from '../../src/api/object.ts'
import { VIRTUAL_MACHINES } from '../../src/api/resource.ts'
import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { formatObjectKey, parseObjectKey } from '../../src/api/values/object-key.ts'
import {
  type VirtualMachine,
  type VirtualMachineInstance,
  virtualMachineInstanceSchema,
  virtualMachineSchema,
} from '../../src/api/virtual-machine.ts'
import { type VmInterface, vmInterfaces } from '../../src/api/vm-interfaces.ts'
import {
  PINNED_BY_VM_ANNOTATION,
  requestedNetworks,
  type VmNetworkConfig,
  vmNetworkConfigSchema,
} from '../../src/api/vm-network-config.ts'
import type { CommittedChange } from '../world/api-server.ts'

/** That an address is asked for on behalf of one object, as people have it. */
export interface Wish {
  readonly network: string
  readonly mac: string
  /** `default/vm-3` */
  readonly owner: string
  readonly pin: string | undefined
  /** Since when without a break, in milliseconds of true time. */
  readonly since: number
}

/**
 * Who asks for what now. A wish begins when a VirtualMachineNetworkConfig asks first. It ends by what people do: to the VM
 * and its NICs, or to the object by hand. That a controller deletes the object of a VM, or writes another wish into it,
 * ends nothing: the VM still wants its address.
 */
export class Wishes {
  readonly #byOwner = new Map<string, Wish[]>()
  readonly #machines = new Map<string, VirtualMachine>()
  readonly #instances = new Map<string, VirtualMachineInstance>()
  readonly #configs = new Map<string, VmNetworkConfig>()
  /** The uid of the VM that the object belongs to, or last did; undefined: it was made by hand. */
  readonly #vms = new Map<string, string | undefined>()
  /** Wishes that the object still has, and its VM has no more. */
  readonly #left = new WeakSet<Wish>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  committed({ plural, previous, next, by }: CommittedChange): void {
    const subject = next ?? previous
    if (subject === undefined) return
    const owner = nameOf(subject)
    if (plural === 'virtualmachines') {
      keep(this.#machines, owner, virtualMachineSchema.safeParse(next).data)
      this.#update(owner, false)
    }
    if (plural === 'virtualmachineinstances') {
      keep(this.#instances, owner, virtualMachineInstanceSchema.safeParse(next).data)
      this.#update(owner, false)
    }
    if (plural === 'virtualmachinenetworkconfigs') {
      const config = vmNetworkConfigSchema.safeParse(next).data
      keep(this.#configs, owner, config)
      if (config !== undefined) this.#vms.set(owner, vmOf(config))
      this.#update(owner, by === 'operator')
    }
  }

  all(): Wish[] {
    return [...this.#byOwner.values()].flat()
  }

  /** Those who ask for the MAC on the network. */
  of(network: string, mac: string): Wish[] {
    return this.all().filter((wish) => wish.network === network && wish.mac === mac)
  }

  /** The VirtualMachineNetworkConfigs, by name. */
  configs(): ReadonlyMap<string, VmNetworkConfig> {
    return this.#configs
  }

  machines(): ReadonlyMap<string, VirtualMachine> {
    return this.#machines
  }

  instances(): ReadonlyMap<string, VirtualMachineInstance> {
    return this.#instances
  }

  /** @param isByHand somebody wrote the object: what it asks for now is all that is asked for */
  #update(owner: string, isByHand: boolean): void {
    const before = this.#byOwner.get(owner) ?? []
    const machine = this.#machines.get(owner)
    const { has: nics, waiting } = nicsOf(machine, this.#instances.get(owner))
    const isOwned = this.#vms.get(owner) !== undefined
    const isOfVm = isOwned && machine?.metadata.uid === this.#vms.get(owner)
    const hasNic = (wish: Wish) => nics.has(keyOf(wish)) || waiting.has(wish.network)
    const hasNow = (wish: Wish) => (isOwned ? isOfVm && hasNic(wish) : machine === undefined)

    const asked = this.#asked(owner, isOfVm ? nics : new Map()).map((wish) => {
      const known = before.find((candidate) => isSame(candidate, wish))
      // Given up, and then wanted again: that is another wish.
      return known === undefined || (this.#left.has(known) && hasNow(wish)) ? wish : known
    })
    const isAsked = (wish: Wish) => asked.some((other) => keyOf(other) === keyOf(wish))
    const denied = isByHand
      ? []
      : before.filter((wish) => hasNow(wish) && !this.#left.has(wish) && !isAsked(wish))
    const after = [...asked, ...denied]
    for (const wish of after) if (!hasNow(wish)) this.#left.add(wish)
    keep(this.#byOwner, owner, after.length === 0 ? undefined : after)
  }

  /** What the object asks for, with the pins that its VM has. */
  #asked(owner: string, nics: ReadonlyMap<string, VmInterface>): Wish[] {
    const config = this.#configs.get(owner)
    if (config === undefined || config.spec.paused || config.metadata.deletionTimestamp !== undefined)
      return []
    const pinnedByVm = config.metadata.annotations?.[PINNED_BY_VM_ANNOTATION]?.split(',') ?? []
    return requestedNetworks(config).map(({ macAddress, networkName, ipAddress }) => {
      const network = formatObjectKey(parseObjectKey(networkName, config.metadata.namespace))
      const mac = parseMacAddress(macAddress)
      const nic = nics.get(`${network} ${mac}`)
      const own = ipAddress ? formatIPv4Address(parseIPv4Address(ipAddress)) : undefined
      const isLeftBehind = nic?.pin === undefined && own !== undefined && pinnedByVm.includes(own)
      const pin = typeof nic?.pin === 'number' ? formatIPv4Address(nic.pin) : isLeftBehind ? undefined : own
      return { network, mac, owner, pin, since: this.#now() }
    })
  }
}

/** Of a VM; nothing of one that is being deleted. */
export interface Nics {
  /** `default/net-1 02:00:00:00:00:01` to the NIC. */
  readonly has: ReadonlyMap<string, VmInterface>
  /** The networks of NICs whose MAC nobody knows now. */
  readonly waiting: ReadonlySet<string>
}

/** @param instance of the VM, if it runs: it may know MAC addresses that the VM does not tell */
export function nicsOf(
  machine: VirtualMachine | undefined,
  instance: VirtualMachineInstance | undefined,
): Nics {
  if (machine === undefined || machine.metadata.deletionTimestamp !== undefined) {
    return { has: new Map(), waiting: new Set() }
  }
  const { interfaces, waiting } = vmInterfaces(machine, instance)
  return {
    has: new Map(interfaces.map((nic) => [`${formatObjectKey(nic.network)} ${nic.mac}`, nic])),
    waiting: new Set(waiting.map(formatObjectKey)),
  }
}

export function nameOf({ metadata }: KubeObject): string {
  return formatObjectKey({ namespace: metadata.namespace ?? '', name: metadata.name })
}

function vmOf({ metadata }: VmNetworkConfig): string | undefined {
  return metadata.ownerReferences?.find(({ kind }) => kind === VIRTUAL_MACHINES.kind)?.uid
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function keyOf({ network, mac }: Wish): string {
  return `${network} ${mac}`
}

function isSame(a: Wish, b: Wish): boolean {
  return a.network === b.network && a.mac === b.mac && a.pin === b.pin
}

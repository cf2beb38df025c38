import type { NicPlan, Operation } from '../plan/operations.ts'
import type { NetworkPlan } from '../plan/plan.ts'
import type { Chance } from '../world/chance.ts'
import { mac, nic } from './cluster.ts'

export interface OperationsSetting {
  readonly networks: readonly NetworkPlan[]
  readonly durationMs: number
  /** VM names are `vm-0`, …: so many in all. */
  readonly machines: number
  readonly count: number
}

/** What people do in the course of a plan, in order; what makes no sense when its time comes does nothing. */
export function randomOperations(chance: Chance, setting: OperationsSetting): Operation[] {
  const { networks, durationMs, machines } = setting
  const times = Array.from({ length: setting.count }, () => chance.integer(0, durationMs - 1)).sort(
    (a, b) => a - b,
  )
  let macs = machines
  /** VMs that are there, as far as this plan goes. */
  const there = new Set<string>()
  const anyVm = () => `vm-${chance.integer(0, machines - 1)}`
  /** Mostly one that is there: what is done to no VM does nothing. */
  const vm = () => (there.size > 0 && chance.happens(0.9) ? chance.pick([...there]) : anyVm())
  const network = () => chance.pick(networks)
  /** Mostly the VM's own MAC, so that it comes back under it; now and then another's. */
  const nicsOf = (name: string): NicPlan[] => {
    const number = Number(name.slice(3))
    const own = chance.happens(0.06) ? chance.integer(0, machines - 1) : number
    const first = nic('nic-0', network(), own, chance.happens(0.08) ? pinIn(chance, network()) : undefined)
    return chance.happens(0.15) ? [first, nic('nic-1', network(), 1000 + number)] : [first]
  }
  const create = (at: number): Operation => {
    const absent = Array.from({ length: machines }, (_, number) => `vm-${number}`).filter(
      (name) => !there.has(name),
    )
    const name = absent.length > 0 ? chance.pick(absent) : anyVm()
    there.add(name)
    return { type: 'vm-create', at, vm: name, nics: nicsOf(name), running: chance.happens(0.9) }
  }
  const remove = (at: number): Operation => {
    const name = vm()
    there.delete(name)
    return { type: 'vm-delete', at, vm: name }
  }
  const others: readonly ((at: number) => Operation)[] = [
    (at) => ({ type: 'vm-start', at, vm: vm() }),
    (at) => ({ type: 'vm-stop', at, vm: vm() }),
    remove,
    remove,
    remove,
    (at) => ({ type: 'guest-reboot', at, vm: vm() }),
    (at) => ({ type: 'vm-migrate', at, vm: vm() }),
    (at) => ({ type: 'nic-add', at, vm: vm(), nic: nic('nic-2', network(), 2000 + macs++) }),
    (at) => ({ type: 'nic-remove', at, vm: vm(), nic: chance.pick(['nic-0', 'nic-1', 'nic-2']) }),
    (at) => ({ type: 'nic-move', at, vm: vm(), nic: 'nic-0', network: network().name }),
    (at) => ({ type: 'mac-change', at, vm: vm(), nic: 'nic-0', mac: mac(3000 + macs++) }),
    (at) => {
      const pin = chance.happens(0.7) ? pinIn(chance, network()) : undefined
      return { type: 'pin', at, vm: vm(), nic: 'nic-0', ...(pin === undefined ? {} : { pin }) }
    },
    (at) => ({ type: 'config-pause', at, vm: vm(), paused: chance.happens(0.6) }),
    (at) => ({ type: 'config-pause', at, vm: vm(), paused: chance.happens(0.6) }),
    (at) => ({ type: 'config-delete', at, vm: vm() }),
    (at) => ({ type: 'pool-edit', at, pool: network().name, spec: { paused: chance.happens(0.4) } }),
    (at) => ({
      type: 'pool-edit',
      at,
      pool: network().name,
      spec: { ipv4Config: { leaseTime: chance.pick([20, 60, 120]) } },
    }),
    (at) => {
      const on = network()
      const exclude = chance.happens(0.5) ? [] : [pinIn(chance, on), pinIn(chance, on)]
      return {
        type: 'pool-edit',
        at,
        pool: on.name,
        spec: { ipv4Config: { pool: { exclude: [...new Set(exclude)] } } },
      }
    },
    (at) => ({ type: 'pool-delete', at, pool: network().name }),
    (at) => ({ type: 'pool-create', at, pool: network().name }),
    (at) => {
      const on = network()
      return {
        type: 'status-edit',
        at,
        pool: on.name,
        status: { ipv4: { allocated: { [pinIn(chance, on)]: chance.happens(0.5) ? null : mac(4000) } } },
      }
    },
  ]
  return times.map((at) => (chance.happens(0.45) ? create(at) : chance.pick(others)(at)))
}

/** An address of the range. */
function pinIn(chance: Chance, { start, end }: NetworkPlan): string {
  const last = (address: string) => Number(address.slice(address.lastIndexOf('.') + 1))
  return `${start.slice(0, start.lastIndexOf('.'))}.${chance.integer(last(start), last(end))}`
}

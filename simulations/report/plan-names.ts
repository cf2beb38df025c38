import type { NicPlan } from '../plan/operations.ts'
import { type NetworkPlan, type Plan, poolOf } from '../plan/plan.ts'

const key = (name: string) => `default/${name}`

/** What of a plan belongs together: a VM, the MAC addresses of its NICs, the pools of their networks. */
export function namesInPlan(plan: Plan): {
  groups: readonly (readonly string[])[]
  pools: ReadonlySet<string>
} {
  const networks = networksByNic(plan)
  const groups = plan.operations.flatMap((operation): string[][] => {
    switch (operation.type) {
      case 'vm-create':
        return operation.nics.map((nic) => groupOf(operation.vm, nic))
      case 'nic-add':
        return [groupOf(operation.vm, operation.nic)]
      case 'nic-move':
        return [[key(operation.vm), key(operation.network)]]
      case 'mac-change': {
        const known = networks.get(`${operation.vm}/${operation.nic}`)
        return [[key(operation.vm), operation.mac, ...(known === undefined ? [] : [key(known)])]]
      }
      default:
        return []
    }
  })
  return { groups, pools: new Set(plan.networks.flatMap(hubsOf)) }
}

/** A network and its pool, which are about everybody there. */
function hubsOf(network: NetworkPlan): string[] {
  const { namespace, name } = poolOf(network)
  return [key(network.name), `${namespace}/${name}`]
}

function groupOf(vm: string, nic: NicPlan): string[] {
  return [key(vm), nic.mac, key(nic.network), ...(nic.pin === undefined ? [] : [nic.pin])]
}

function networksByNic(plan: Plan): Map<string, string> {
  const networks = new Map<string, string>()
  for (const operation of plan.operations) {
    if (operation.type === 'vm-create') {
      for (const nic of operation.nics) networks.set(`${operation.vm}/${nic.name}`, nic.network)
    }
    if (operation.type === 'nic-add')
      networks.set(`${operation.vm}/${operation.nic.name}`, operation.nic.network)
    if (operation.type === 'nic-move') networks.set(`${operation.vm}/${operation.nic}`, operation.network)
  }
  return networks
}

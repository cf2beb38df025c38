import type { FieldProblem } from '../../api/field-problem.ts'
import { type MacAddress, macAddressToBytes } from '../../api/values/mac-address.ts'
import { formatObjectKey, type ObjectKey, sameObjectKey } from '../../api/values/object-key.ts'
import type { VmNetworkConfig } from '../../api/vm-network-config.ts'
import { keyOf } from '../../kube/object-cache.ts'
import { ownersIn } from './holders.ts'
import { describeOwner, isAsking, type Wish } from './wishes.ts'

/** IEEE 802: the lowest bit of the first octet marks a group address; no NIC has one. */
function whyNoNic(mac: MacAddress): string | undefined {
  const bytes = macAddressToBytes(mac)
  if (bytes.every((byte) => byte === 0xff)) return 'is the broadcast address'
  if (((bytes[0] ?? 0) & 1) === 1) return 'is a multicast address'
  return bytes.every((byte) => byte === 0) ? 'is all zeros' : undefined
}

/** Of the entries that are new, those whose MAC is no NIC's. */
export function macProblems(wishes: readonly Wish[]): readonly FieldProblem[] {
  return wishes.flatMap(({ path, mac, written }) => {
    const field = `${path}.macAddress`
    if (mac === undefined) {
      return [
        { path: field, message: `"${written.macAddress}" is not a MAC address such as ca:70:82:e6:84:6e` },
      ]
    }
    const why = whyNoNic(mac)
    return why === undefined
      ? []
      : [{ path: field, message: `${mac} ${why}; write the address of the VM's interface` }]
  })
}

/** A MAC twice on one network, in one object. */
export function repeatedMacs(wishes: readonly Wish[], fresh: ReadonlySet<Wish>): readonly FieldProblem[] {
  return wishes.flatMap((wish, index) => {
    const first = wishes.slice(0, index).find((other) => isSameNic(wish, other))
    if (first === undefined || !(fresh.has(wish) || fresh.has(first))) return []
    const where = wish.network === undefined ? '' : ` on ${formatObjectKey(wish.network)}`
    return [
      {
        path: `${wish.path}.macAddress`,
        message: `${wish.mac} stands${where} in ${first.path} already; remove one`,
      },
    ]
  })
}

/** A MAC that another object asks for on the same network: two VMs would get one address. */
export function contestedMacs(
  self: ObjectKey,
  wishes: readonly Wish[],
  configs: readonly VmNetworkConfig[],
): readonly FieldProblem[] {
  const owners = ownersIn(configs.filter((config) => isAsking(config) && !sameObjectKey(keyOf(config), self)))
  return wishes.flatMap(({ path, mac, network }) => {
    if (mac === undefined || network === undefined) return []
    const [owner] = owners(mac, network)
    if (owner === undefined) return []
    const message =
      `${mac} is asked for on ${formatObjectKey(network)} by ${describeOwner(owner)} already ` +
      `(VirtualMachineNetworkConfig ${formatObjectKey(keyOf(owner))}); give one of the two another MAC address`
    return [{ path: `${path}.macAddress`, message }]
  })
}

function isSameNic(a: Wish, b: Wish): boolean {
  return (
    a.mac !== undefined &&
    a.mac === b.mac &&
    a.network !== undefined &&
    b.network !== undefined &&
    sameObjectKey(a.network, b.network)
  )
}

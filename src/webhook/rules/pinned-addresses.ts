import { isConditionTrue } from '../../api/condition.ts'
import type { FieldProblem } from '../../api/field-problem.ts'
import type { IPPool } from '../../api/ippool.ts'
import { parsePoolConfiguration } from '../../api/pool-configuration.ts'
import { formatIPv4Address, type IPv4Address } from '../../api/values/ipv4-address.ts'
import { formatObjectKey, type ObjectKey, sameObjectKey } from '../../api/values/object-key.ts'
import type { VmNetworkConfig } from '../../api/vm-network-config.ts'
import { keyOf } from '../../kube/object-cache.ts'
import { holdingsOf, nameHoldings, poolsOn, restingOf } from './holders.ts'
import { describeOwner, isAsking, type Wish, wishesOf } from './wishes.ts'

export interface PinVerdict {
  readonly problems: readonly FieldProblem[]
  readonly warnings: readonly string[]
}

/** An address that is asked for by name must be one that the pool can give to this MAC: `wishes` of all `siblings`. */
export function pinVerdicts(
  self: ObjectKey,
  wishes: readonly Wish[],
  siblings: readonly Wish[],
  pools: readonly IPPool[],
  configs: readonly VmNetworkConfig[],
): readonly PinVerdict[] {
  const wanted = new Set(wishes.flatMap(({ pin }) => pin ?? []))
  const others = configs.filter((config) => isAsking(config) && !sameObjectKey(keyOf(config), self))
  const askers = others.flatMap((config) =>
    wishesOf(config).flatMap((wish) =>
      wish.pin !== undefined && wanted.has(wish.pin) ? [{ wish, config }] : [],
    ),
  )
  return wishes.map((wish) => pinVerdict(wish, siblings, askers, pools, configs))
}

/** Another object that asks for one of the addresses, on whatever network. */
interface Asker {
  readonly wish: Wish
  readonly config: VmNetworkConfig
}

function pinVerdict(
  wish: Wish,
  siblings: readonly Wish[],
  askers: readonly Asker[],
  pools: readonly IPPool[],
  configs: readonly VmNetworkConfig[],
): PinVerdict {
  const path = `${wish.path}.ipAddress`
  const { pin, network, mac, written } = wish
  const refused = (message: string): PinVerdict => ({ problems: [{ path, message }], warnings: [] })
  const warned = (message: string): PinVerdict => ({ problems: [], warnings: [`${path}: ${message}`] })
  if (!written.ipAddress || network === undefined) return NOTHING
  if (pin === undefined) return refused(`"${written.ipAddress}" is not an IPv4 address such as 192.168.48.84`)
  const text = formatIPv4Address(pin)

  const rival = rivalFor(wish, siblings, askers)
  if (rival !== undefined) return refused(`${text} is asked for by ${rival} already; ask for another address`)
  const pool = servingPool(network, pools)
  if (pool === undefined) {
    return warned(`no IPPool serves ${formatObjectKey(network)}, so nobody gives ${text} out yet`)
  }
  const name = `IPPool ${formatObjectKey(keyOf(pool))}`
  const parsed = parsePoolConfiguration(pool)
  if (!parsed.ok) return warned(`the ${name} cannot be read, so nobody knows whether it has ${text}`)
  const { range, excluded, serverAddress, router } = parsed.configuration
  const choice = `ask for another from ${formatIPv4Address(range.start)} to ${formatIPv4Address(range.end)}`
  if (pin < range.start || pin > range.end)
    return refused(`${text} is outside the range of ${name}; ${choice}`)
  if (excluded.includes(pin)) return refused(`${text} is excluded in ${name}; ${choice}`)
  if (pin === serverAddress) return refused(`${text} is the server address of ${name}; ${choice}`)
  if (pin === router) return refused(`${text} is the router of ${name}; ${choice}`)
  const holder = holdingsOf(pool).find(({ address }) => address === pin)
  if (holder !== undefined && holder.mac !== mac) {
    return refused(`another VM holds ${nameHoldings([holder], network, configs)}; ${choice}`)
  }
  const resting = restingOf(pool).find(({ address }) => address === pin)
  if (resting !== undefined && resting.mac !== mac) {
    return warned(`${text} was given back by ${resting.mac} and is free from ${resting.restsUntil} on`)
  }
  return NOTHING
}

const NOTHING: PinVerdict = { problems: [], warnings: [] }

/** Who else asks for the address, in this object or another. */
function rivalFor(wish: Wish, siblings: readonly Wish[], askers: readonly Asker[]): string | undefined {
  const sibling = siblings.find((other) => other !== wish && isRival(wish, other))
  if (sibling !== undefined) return sibling.path
  const asker = askers.find((other) => isRival(wish, other.wish))
  return asker && describeOwner(asker.config)
}

function isRival({ pin, network, mac }: Wish, other: Wish): boolean {
  const isSamePin = (address: IPv4Address | undefined) => address !== undefined && address === pin
  return (
    isSamePin(other.pin) &&
    other.mac !== mac &&
    network !== undefined &&
    other.network !== undefined &&
    sameObjectKey(network, other.network)
  )
}

function servingPool(network: ObjectKey, pools: readonly IPPool[]): IPPool | undefined {
  const candidates = poolsOn(network, pools).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  )
  return candidates.find(({ status }) => isConditionTrue(status?.conditions, 'Registered')) ?? candidates[0]
}

import type { FieldProblem } from '../../api/field-problem.ts'
import type { IPPool } from '../../api/ippool.ts'
import { type PoolConfiguration, parsePoolConfiguration } from '../../api/pool-configuration.ts'
import { cidrContains, formatCidr } from '../../api/values/cidr.ts'
import { formatIPv4Address, type IPv4Address } from '../../api/values/ipv4-address.ts'
import { formatObjectKey, sameObjectKey } from '../../api/values/object-key.ts'
import type { VmNetworkConfig } from '../../api/vm-network-config.ts'
import { type Holding, holdingsOf, nameHoldings, networkOf, poolsOn, restingOf } from './holders.ts'

const BASE = 'spec.ipv4Config'

/**
 * An edit may not take an address from under a VM that holds it (law 7). What was so before the edit is not held
 * against it.
 */
export function takenFromHolders(
  old: IPPool,
  next: PoolConfiguration,
  configs: readonly VmNetworkConfig[],
): readonly FieldProblem[] {
  const held = holdingsOf(old)
  const network = networkOf(old)
  const names = (holdings: readonly Holding[]) => nameHoldings(holdings, network, configs)
  if (network !== undefined && held.length > 0 && !sameObjectKey(network, next.network)) {
    const message =
      `VMs hold addresses on ${formatObjectKey(network)}: ${names(held)}; remove them from that network first, ` +
      'or make another IPPool for the other network'
    return [{ path: 'spec.networkName', message }]
  }
  const before = parsePoolConfiguration(old)
  const wasFine = (isFine: (configuration: PoolConfiguration, address: IPv4Address) => boolean) =>
    held.filter(
      ({ address }) => !isFine(next, address) && !(before.ok && !isFine(before.configuration, address)),
    )
  const problems: FieldProblem[] = []
  const outsideSubnet = wasFine(({ subnet }, address) => cidrContains(subnet, address))
  if (outsideSubnet.length > 0) {
    const message = `${formatCidr(next.subnet)} leaves out what VMs hold: ${names(outsideSubnet)}; keep these inside, or remove the VMs first`
    problems.push({ path: `${BASE}.cidr`, message })
  }
  const outsideRange = wasFine(({ range }, address) => address >= range.start && address <= range.end).filter(
    (holding) => !outsideSubnet.includes(holding),
  )
  if (outsideRange.length > 0) {
    const range = `${formatIPv4Address(next.range.start)}-${formatIPv4Address(next.range.end)}`
    const message = `the range ${range} leaves out what VMs hold: ${names(outsideRange)}; keep these inside, or remove the VMs first`
    problems.push({ path: `${BASE}.pool`, message })
  }
  const excluded = wasFine((configuration, address) => !configuration.excluded.includes(address))
  if (excluded.length > 0) {
    const message = `a VM holds ${names(excluded)}; exclude other addresses, or remove the VM first`
    problems.push({ path: `${BASE}.pool.exclude`, message })
  }
  return problems
}

/** The server and the router would answer ARP for an address that a VM uses. `before` is absent for a new pool. */
export function ownAddressesHeld(
  next: PoolConfiguration,
  before: PoolConfiguration | undefined,
  pools: readonly IPPool[],
  configs: readonly VmNetworkConfig[],
): readonly FieldProblem[] {
  const onNetwork = poolsOn(next.network, pools)
  const held = onNetwork.flatMap((pool) => [...holdingsOf(pool), ...restingOf(pool)])
  const isMoved = (now: IPv4Address | undefined, was: IPv4Address | undefined) =>
    now !== undefined && now !== was
  const moved = [
    isMoved(next.serverAddress, before?.serverAddress) ? (['serverIP', next.serverAddress] as const) : [],
    isMoved(next.router, before?.router) ? (['router', next.router] as const) : [],
  ]
  return moved.flatMap(([field, address]) => {
    const holding = held.find((candidate) => candidate.address === address)
    if (field === undefined || holding === undefined) return []
    const name = nameHoldings([holding], next.network, configs)
    const message =
      holding.restsUntil === undefined
        ? `a VM holds ${name}; choose an address that is free`
        : `${name} was given back, but its client may use it until ${holding.restsUntil}; choose another address`
    return [{ path: `${BASE}.${field}`, message }]
  })
}

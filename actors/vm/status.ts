import { type Condition, type ConditionValue, setCondition } from '../../src/api/condition.ts'
import { mergePatchBetween } from '../../src/api/merge-patch.ts'
import type { Instant } from '../../src/api/values/time.ts'
import {
  type NetworkStatus,
  type RequestedNetwork,
  requestedNetworks,
  spellingOf,
  type VmNetworkConfig,
} from '../../src/api/vm-network-config.ts'
import { parseNic } from './nic-key.ts'
import { readAddress } from './pursue.ts'
import type { NicState, VmState } from './state.ts'

/** What must be written so that the object's status says what the actor knows; undefined when it says so already. */
export function statusPatch(
  config: VmNetworkConfig,
  nics: VmState['nics'],
  now: Instant,
): Record<string, unknown> | undefined {
  const spelling = spellingOf(config)
  const other = spelling === 'networkConfig' ? 'networkConfigs' : 'networkConfig'
  const entries = networkStatuses(config, nics)
  const current = config.status ?? {}
  const conditions = Object.entries(conditionValues(config, entries)).reduce<readonly Condition[]>(
    (list, [type, value]) => setCondition(list, type, value, now),
    current.conditions ?? [],
  )
  const desired = {
    ...current,
    addresses: allocatedAddresses(entries),
    [spelling]: entries,
    [other]: undefined,
    conditions: [...conditions],
  }
  const status = mergePatchBetween(current, desired)
  if (status === undefined) return undefined
  return { metadata: { resourceVersion: config.metadata.resourceVersion }, status }
}

/** One text, because a column of `kubectl get` shows the first of several values only. */
function allocatedAddresses(entries: readonly NetworkStatus[]): string | undefined {
  const allocated = entries.filter(({ state }) => state === 'Allocated')
  const addresses = allocated.flatMap(({ allocatedIPAddress }) => allocatedIPAddress ?? [])
  return addresses.length === 0 ? undefined : [...new Set(addresses)].join(',')
}

function networkStatuses(config: VmNetworkConfig, nics: VmState['nics']): NetworkStatus[] {
  const wanted = requestedNetworks(config).map((entry): [string, NetworkStatus] => {
    const { macAddress, networkName } = entry
    try {
      const nic = parseNic(entry, config.metadata.namespace ?? '')
      const status = statusOf({ macAddress: nic.mac, networkName }, nics.get(nic.key))
      return [nic.key, isRefusedTwin(entry, status) ? asTwin(status) : status]
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return [`${macAddress} ${networkName}`, { macAddress, networkName, state: 'Pending', message }]
    }
  })
  const seen = new Set(wanted.map(([key]) => key))
  const stale = [...nics]
    .filter(([key, nic]) => !seen.has(key) && holdsAddress(nic))
    .map(([, nic]) => statusOf({ macAddress: nic.mac, networkName: nic.networkName }, nic))
  return [...wanted.map(([, status]) => status), ...stale]
}

function statusOf(
  names: { macAddress: string; networkName: string },
  nic: NicState | undefined,
): NetworkStatus {
  const phase = nic?.phase
  const address = phase?.address === undefined ? {} : { allocatedIPAddress: phase.address }
  switch (phase?.type) {
    case 'allocated':
      return { ...address, ...names, state: 'Allocated' }
    case 'stale':
    case 'returning':
      return { ...address, ...names, state: 'Stale' }
    case 'waiting':
      return { ...address, ...names, state: 'Pending', ...(phase.message ? { message: phase.message } : {}) }
    default:
      return { ...address, ...names, state: 'Pending' }
  }
}

/** A MAC that is listed twice on a network has one address, which both entries show: the first entry's, if it names one. */
function isRefusedTwin({ ipAddress = '' }: RequestedNetwork, status: NetworkStatus): boolean {
  const pin = readAddress(ipAddress)
  return status.state === 'Allocated' && pin !== undefined && pin !== status.allocatedIPAddress
}

function asTwin({ macAddress, networkName, allocatedIPAddress }: NetworkStatus): NetworkStatus {
  const message = `the MAC address is listed twice on this network and has ${allocatedIPAddress}; give each interface a MAC address of its own`
  return { macAddress, networkName, state: 'Pending', message }
}

/** Only what is held must be remembered: a wish that was never granted leaves nothing behind. */
function holdsAddress({ phase }: NicState): boolean {
  return phase.address !== undefined || phase.type === 'returning'
}

function conditionValues(
  config: VmNetworkConfig,
  entries: readonly NetworkStatus[],
): Record<'Allocated' | 'Disabled' | 'InSynced', ConditionValue> {
  const pending = entries.filter(({ state }) => state === 'Pending')
  const stale = entries.filter(({ state }) => state === 'Stale')
  const explain = ({ macAddress, networkName, message }: NetworkStatus) =>
    `${macAddress} on ${networkName}: ${message ?? 'waiting for the pool'}`
  const disabled = config.spec.paused === true
  return {
    Allocated: disabled
      ? { status: false, reason: 'Paused', message: 'spec.paused is true: the addresses were given back' }
      : pending.length > 0
        ? { status: false, reason: 'Pending', message: pending.map(explain).join('; ') }
        : entries.length === 0
          ? { status: false, reason: 'NothingRequested', message: 'spec.networkConfig is empty' }
          : { status: true },
    Disabled: disabled
      ? {
          status: true,
          reason: 'Paused',
          message: 'spec.paused is true; set it to false to get addresses again',
        }
      : { status: false },
    InSynced:
      stale.length > 0
        ? {
            status: false,
            reason: 'Stale',
            message: stale
              .map(({ macAddress, networkName }) => `${macAddress} on ${networkName} is being given back`)
              .join('; '),
          }
        : { status: true },
  }
}

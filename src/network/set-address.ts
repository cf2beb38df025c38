import type { IPv4Address } from '../api/values/ipv4-address.ts'
import { between, type Duration, milliseconds } from '../api/values/time.ts'
import { type Clock, sleep } from '../runtime/clock.ts'
import { runCommand } from './command.ts'
import { ensureAddress, type RunCommand } from './interface-address.ts'
import { listInterfaces } from './interfaces.ts'

/** The interface did not come in time. */
export class InterfaceAbsentError extends Error {
  override readonly name = 'InterfaceAbsentError'
  constructor(
    readonly interfaceName: string,
    readonly waited: Duration,
    readonly present: readonly string[],
  ) {
    super(
      `there is no network interface ${interfaceName} after ${waited / 1000} s; there are: ${present.join(', ')} ` +
        "(in a pod Multus brings it: see the pod's annotation k8s.v1.cni.cncf.io/network-status)",
    )
  }
}

export interface SetAddressOptions {
  interfaceName: string
  address: IPv4Address
  prefixLength: number
  /** How long the interface may take to come. */
  wait: Duration
  clock: Clock
  run?: RunCommand
  interfaces?: () => readonly string[]
}

const LOOK_AGAIN = milliseconds(200)

/**
 * Puts an address on an interface and brings it up, as often as it is asked to; whatever else is there stays.
 * @returns whether the address was not there before
 * @throws InterfaceAbsentError, InterfaceNotFoundError, InterfaceAddressError, CommandFailedError
 */
export async function setAddress(options: SetAddressOptions): Promise<boolean> {
  const { interfaceName, address, prefixLength, wait, clock, run = runCommand } = options
  const { interfaces = listInterfaces } = options
  const begun = clock.now()
  while (!interfaces().includes(interfaceName)) {
    if (between(begun, clock.now()) >= wait) throw new InterfaceAbsentError(interfaceName, wait, interfaces())
    await sleep(clock, LOOK_AGAIN)
  }
  const isNew = await ensureAddress(interfaceName, address, prefixLength, run)
  if (!isNew) await run('ip', ['link', 'set', 'dev', interfaceName, 'up'])
  return isNew
}

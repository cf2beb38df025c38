import type { Logger } from 'pino'
import type { PoolConfiguration } from '../../api/pool-configuration.ts'
import type { IPv4Address } from '../../api/values/ipv4-address.ts'
import { type Instant, later, seconds } from '../../api/values/time.ts'
import { ensureAddress } from '../../network/interface-address.ts'
import { type InterfaceProblem, interfaceProblem, readInterfaceState } from '../../network/interface-state.ts'
import type { Cancel, Clock } from '../../runtime/clock.ts'

/** Watches over the server address on an interface: puts it there if that is allowed, and tells how it stands. */
export interface AddressKeeper {
  /** The server address, and the prefix length, from now on. */
  configured(configuration: PoolConfiguration): void
  stop(): void
}

export interface AddressKeeperOptions {
  interfaceName: string
  clock: Clock
  log: Logger
  /** After each look: nothing when all is well. */
  looked: (problem: InterfaceProblem | undefined) => void
}

/** Costs a system call. */
const LOOK = seconds(2)
/** Costs two processes. */
const SET_AGAIN = seconds(10)

export function startAddressKeeper(options: AddressKeeperOptions): AddressKeeper {
  const { interfaceName, clock, log } = options
  let configuration: PoolConfiguration | undefined
  /** The last server address that was seen there. */
  let earlier: IPv4Address | undefined
  let failure: string | undefined
  let nextTry: Instant = clock.now()
  let said: string | undefined
  let cancel: Cancel = () => {}
  let isStopped = false

  function look(): InterfaceProblem | undefined {
    if (configuration === undefined) return undefined
    const { serverAddress: address } = configuration
    const problem = interfaceProblem(interfaceName, readInterfaceState(interfaceName), {
      address,
      earlier,
      failure,
    })
    if (problem === undefined) earlier = address
    return problem
  }

  async function check(): Promise<void> {
    if (isStopped || configuration === undefined) return
    if (look() !== undefined && nextTry <= clock.now()) await set(configuration)
    if (isStopped) return
    const problem = look()
    if (problem?.message !== said) {
      if (problem === undefined) log.info({ interface: interfaceName }, 'the interface is as it should be')
      else log.warn({ interface: interfaceName, reason: problem.reason }, problem.message)
    }
    said = problem?.message
    options.looked(problem)
  }

  async function set({ serverAddress, subnet }: PoolConfiguration): Promise<void> {
    nextTry = later(clock.now(), SET_AGAIN)
    try {
      await ensureAddress(interfaceName, serverAddress, subnet.prefixLength)
      failure = undefined
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
    }
  }

  function checkForever(): void {
    cancel = clock.after(LOOK, () => {
      void check().finally(() => {
        if (!isStopped) checkForever()
      })
    })
  }
  checkForever()

  return {
    configured(next) {
      configuration = next
      nextTry = clock.now()
      void check()
    },
    stop() {
      isStopped = true
      cancel()
    },
  }
}

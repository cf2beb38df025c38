import * as z from 'zod'
import { InterfaceNotFoundError } from '../../transports/packets/errors.ts'
import { formatIPv4Address, type IPv4Address } from '../api/values/ipv4-address.ts'
import {
  CommandFailedError,
  CommandNotFoundError,
  type CommandOptions,
  type CommandResult,
  runCommand,
} from './command.ts'
import { listInterfaces } from './interfaces.ts'

/** The address is missing on the interface, and could not be put there. */
export class InterfaceAddressError extends Error {
  override readonly name = 'InterfaceAddressError'
  constructor(
    readonly interfaceName: string,
    readonly address: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `${interfaceName} has no address ${address} and it cannot be set here (${reason}); ` +
        `with the right to do so (root, or CAP_NET_ADMIN) run: ip address replace ${address} dev ${interfaceName}`,
      options,
    )
  }
}

export type RunCommand = (
  command: string,
  args: readonly string[],
  options?: CommandOptions,
) => Promise<CommandResult>

const AddressList = z.array(
  z.object({
    addr_info: z
      .array(z.object({ family: z.string().optional(), local: z.string().optional(), prefixlen: z.number() }))
      .optional(),
  }),
)

/**
 * Puts the address on the interface where it is missing, and brings the interface up.
 * An address that is there with another prefix length is left to its owner.
 * @returns whether something had to be changed
 * @throws InterfaceNotFoundError
 * @throws InterfaceAddressError when it is missing and can't be set: no right, or no `ip` program
 */
export async function ensureAddress(
  interfaceName: string,
  address: IPv4Address,
  prefixLength: number,
  run: RunCommand = runCommand,
): Promise<boolean> {
  const text = formatIPv4Address(address)
  const wanted = `${text}/${prefixLength}`
  try {
    if (await hasAddress(interfaceName, text, run)) return false
    await run('ip', ['address', 'replace', wanted, 'dev', interfaceName])
    await run('ip', ['link', 'set', 'dev', interfaceName, 'up'])
    return true
  } catch (cause) {
    if (cause instanceof CommandFailedError && /does not exist|Cannot find device/.test(cause.stderr)) {
      throw new InterfaceNotFoundError(interfaceName, listInterfaces(), { cause })
    }
    if (cause instanceof CommandFailedError || cause instanceof CommandNotFoundError) {
      const reason = cause instanceof CommandFailedError ? cause.stderr.trim() : cause.message
      throw new InterfaceAddressError(interfaceName, wanted, reason, { cause })
    }
    throw cause
  }
}

async function hasAddress(interfaceName: string, address: string, run: RunCommand): Promise<boolean> {
  const { stdout } = await run('ip', ['-json', '-4', 'address', 'show', 'dev', interfaceName])
  const links = AddressList.parse(JSON.parse(stdout === '' ? '[]' : stdout))
  return links.some((link) => link.addr_info?.some((info) => info.local === address) === true)
}

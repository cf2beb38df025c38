import { type Command, InvalidArgumentError } from 'commander'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../api/values/ipv4-address.ts'
import { seconds } from '../../api/values/time.ts'
import { setAddress } from '../../network/set-address.ts'
import { keepAlive } from '../../runtime/keep-alive.ts'
import { systemClock } from '../../runtime/system-clock.ts'
import type { CommandContext } from '../command-context.ts'

interface InterfaceAddress {
  address: IPv4Address
  prefixLength: number
}

interface SetAddressFlags {
  nic: string
  address: InterfaceAddress
  wait: number
}

export function addSetAddressCommand(program: Command, { done }: Pick<CommandContext, 'done'>): void {
  program
    .command('set-address')
    .description('Put the DHCP server’s address on an interface: what an agent’s pod does before it serves.')
    .option('--nic <interface>', 'the interface', interfaceName, 'eth1')
    .requiredOption('--address <address/length>', 'e.g. 192.168.48.77/24', interfaceAddress)
    .option('--wait <seconds>', 'how long the interface may take to come, 0 to 600', waitSeconds, 30)
    .action(async ({ nic, address: { address, prefixLength }, wait }: SetAddressFlags) => {
      // Nothing else keeps the process alive while it waits.
      const release = keepAlive()
      try {
        const isNew = await setAddress({
          interfaceName: nic,
          address,
          prefixLength,
          wait: seconds(wait),
          clock: systemClock,
        })
        const state = isNew ? 'has' : 'had already'
        process.stdout.write(`${nic} ${state} ${formatIPv4Address(address)}/${prefixLength}\n`)
      } catch (error) {
        // The command was right: what is missing may come, and kubelet tries again.
        const line = error instanceof Error ? error.message : String(error)
        process.stderr.write(`managed-dhcp: ${line.replaceAll('\n', ' ')}\n`)
        done(1)
      } finally {
        release()
      }
    })
}

function interfaceName(text: string): string {
  // IFNAMSIZ counts the closing zero byte.
  if (text === '' || text.length > 15 || /[\s/]/.test(text)) {
    throw new InvalidArgumentError('expected the name of a network interface, e.g. eth1.')
  }
  return text
}

function interfaceAddress(text: string): InterfaceAddress {
  const [addressText = '', lengthText = '', ...rest] = text.split('/')
  const prefixLength = Number(lengthText)
  if (rest.length > 0 || !/^\d{1,2}$/.test(lengthText) || prefixLength < 1 || prefixLength > 32) {
    throw new InvalidArgumentError('expected ADDRESS/LENGTH, e.g. 192.168.48.77/24.')
  }
  try {
    return { address: parseIPv4Address(addressText), prefixLength }
  } catch (error) {
    throw new InvalidArgumentError(`${error instanceof Error ? error.message : String(error)}.`)
  }
}

function waitSeconds(text: string): number {
  const value = Number(text)
  if (!/^\d{1,3}$/.test(text) || value > 600) throw new InvalidArgumentError('expected 0 to 600 seconds.')
  return value
}

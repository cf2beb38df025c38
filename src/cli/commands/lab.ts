import { type Command, Option } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { DEFAULT_LISTEN } from '../defaults.ts'
import { type HostAndPort, hostAndPort } from '../parse.ts'

export function addLabCommand(program: Command, { done }: CommandContext): void {
  program
    .command('lab')
    .description('See it work on this machine: a network, a VM and a real DHCP client in network namespaces.')
    .option('--data-dir <directory>', 'keep the objects there; default: a folder that is removed at the end')
    .addOption(
      new Option('--listen <address>', 'where the Kubernetes API is served')
        .default(hostAndPort(DEFAULT_LISTEN), DEFAULT_LISTEN)
        .argParser(hostAndPort),
    )
    .option('--once', 'end after the lease instead of staying up')
    .action(async (options: { dataDir?: string; listen: HostAndPort; once?: boolean }) => {
      const { runLab } = await import('../lab.ts')
      done(await runLab({ ...options, once: options.once ?? false }))
    })
}

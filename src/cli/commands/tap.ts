import type { Command } from 'commander'
import { createLogger } from '../../observe/log.ts'
import { kubeconfigFor } from '../defaults.ts'

export function addTapCommand(program: Command): void {
  program
    .command('tap')
    .description('Follow what the actors decide, and what happens to DHCP messages, as it happens.')
    .argument('[subject...]', 'NATS subjects under mdhcp.event, e.g. mdhcp.event.dhcp.>; default: all')
    .option('--nats <url>', 'the message broker; without it, the standalone that the kubeconfig names')
    .option(
      '--kubeconfig <file>',
      'default: $KUBECONFIG, that of a standalone in this folder, ~/.kube/config',
    )
    .action(async (subjects: string[], options: { nats?: string; kubeconfig?: string }) => {
      const { followEvents } = await import('../tap.ts')
      const log = createLogger({ component: 'tap', level: 'warn', destination: process.stderr })
      await followEvents({ subjects, nats: options.nats, kubeconfig: kubeconfigFor(options.kubeconfig), log })
    })
}

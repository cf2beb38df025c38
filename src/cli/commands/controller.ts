import type { Command } from 'commander'
import { createLogger } from '../../observe/log.ts'
import type { CommandContext } from '../command-context.ts'
import { CONTROLLER_HEALTH } from '../defaults.ts'
import { healthOption } from '../health-option.ts'
import type { HostAndPort } from '../parse.ts'
import { runUntilStopped } from '../run-until-stopped.ts'

interface ControllerFlags {
  kubeconfig?: string
  nats: string
  health: HostAndPort
}

export function addControllerCommand(program: Command, { level, done }: CommandContext): void {
  program
    .command('controller')
    .description('The actors that allocate addresses, for a cluster.')
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, the pod’s service account, ~/.kube/config')
    .requiredOption('--nats <url>', 'the message broker, e.g. nats://nats:4222')
    .addOption(healthOption(CONTROLLER_HEALTH))
    .action(async (options: ControllerFlags) => {
      const { startControllerProcess } = await import('../../processes/controller/controller-process.ts')
      const log = createLogger({ component: 'controller', level: level() })
      const running = await startControllerProcess({
        nats: options.nats,
        health: options.health,
        log,
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
      })
      done(await runUntilStopped(running, log))
    })
}

import type { Command } from 'commander'
import type { ObjectKey } from '../../api/values/object-key.ts'
import { createLogger } from '../../observe/log.ts'
import type { CommandContext } from '../command-context.ts'
import { AGENT_HEALTH, DEFAULT_NAMESPACE, DEFAULT_STATE_DIRECTORY } from '../defaults.ts'
import { healthOption } from '../health-option.ts'
import { type HostAndPort, objectKey } from '../parse.ts'
import { runUntilStopped } from '../run-until-stopped.ts'

interface AgentFlags {
  ippoolRef: ObjectKey
  nic: string
  nats?: string
  kubeconfig?: string
  stateDir: string
  health: HostAndPort
}

export function addAgentCommand(program: Command, { level, done }: CommandContext): void {
  program
    .command('agent')
    .description('The DHCP server of one IPPool, next to its network.')
    .requiredOption('--ippool-ref <namespace/name>', 'the IPPool to serve', objectKey)
    .option('--nic <interface>', 'the interface on the network', 'eth1')
    .option(
      '--nats <url>',
      'the message broker, as for the controller; without it the agent lives by its watch alone',
    )
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, the pod’s service account, ~/.kube/config')
    .option(
      '--state-dir <directory>',
      'what it serves from when it starts while all else is down',
      DEFAULT_STATE_DIRECTORY,
    )
    .addOption(healthOption(AGENT_HEALTH))
    .action(async (options: AgentFlags) => {
      const { startAgent } = await import('../../processes/agent/agent.ts')
      const log = createLogger({ component: 'agent', level: level() })
      const { ippoolRef: pool } = options
      const { POD_NAME, POD_NAMESPACE, POD_UID } = process.env
      const running = await startAgent({
        pool,
        interfaceName: options.nic,
        stateDirectory: options.stateDir,
        pod: {
          namespace: POD_NAMESPACE ?? DEFAULT_NAMESPACE,
          name: POD_NAME ?? `${pool.namespace}-${pool.name}-agent`,
          ...(POD_UID === undefined ? {} : { uid: POD_UID }),
        },
        health: options.health,
        log,
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
        ...(options.nats === undefined ? {} : { nats: options.nats }),
      })
      done(await runUntilStopped(running, log))
    })
}

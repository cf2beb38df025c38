import { type Command, Option } from 'commander'
import { parseServerUrls } from '../../../transports/messages/nats-options.ts'
import { createLogger } from '../../observe/log.ts'
import type { CommandContext } from '../command-context.ts'
import {
  CONTROLLER_HEALTH,
  DEFAULT_NAMESPACE,
  NATS_CA_CONFIG_MAP,
  NATS_CREDENTIALS_SECRET,
} from '../defaults.ts'
import { healthOption } from '../health-option.ts'
import { type HostAndPort, positiveNumber } from '../parse.ts'
import { runUntilStopped } from '../run-until-stopped.ts'
import { UsageError } from '../usage-error.ts'

interface ControllerFlags {
  kubeconfig?: string
  nats: string
  namespace: string
  leaderElection: boolean
  agentImage?: string
  kubeApiQps: number
  kubeApiBurst: number
  health: HostAndPort
}

/**
 * A storm of 10,000 new VMs is some 20,000 writes: under two minutes at this rate. How much is too much the API server
 * knows better (its priority and fairness answer 429, which is obeyed); this keeps one controller from being all of it.
 */
const DEFAULT_QPS = 200
const DEFAULT_BURST = 400

export function addControllerCommand(program: Command, { level, done }: CommandContext): void {
  program
    .command('controller')
    .description('The actors that allocate addresses, for a cluster. Of several replicas one leads.')
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, the pod’s service account, ~/.kube/config')
    .requiredOption(
      '--nats <url>',
      'the message broker, e.g. nats://nats:4222 or tls://nats:4222; NATS_USER, NATS_PASSWORD, NATS_CA_FILE',
    )
    .addOption(
      new Option('--namespace <namespace>', 'where the Lease of the leader and the agents are')
        .env('POD_NAMESPACE')
        .default(DEFAULT_NAMESPACE),
    )
    .option(
      '--agent-image <image>',
      'run an agent with this image for each IPPool, as a Deployment; without it no Deployments are made',
    )
    .option('--no-leader-election', 'lead at once: for the only controller of a cluster')
    .option(
      '--kube-api-qps <number>',
      'requests a second to the Kubernetes API; those about the Lease do not count',
      positiveNumber,
      DEFAULT_QPS,
    )
    .option(
      '--kube-api-burst <number>',
      'requests at once, after a quiet time',
      positiveNumber,
      DEFAULT_BURST,
    )
    .addOption(healthOption(CONTROLLER_HEALTH))
    .action(async (options: ControllerFlags) => {
      if (options.agentImage !== undefined && parseServerUrls(options.nats).credentials !== undefined) {
        throw new UsageError(
          'the password in --nats would stand in the Deployments of the agents, for everybody to read: ' +
            `take it out, set NATS_USER and NATS_PASSWORD, and make the Secret ${NATS_CREDENTIALS_SECRET}`,
        )
      }
      const { startControllerProcess } = await import('../../processes/controller/controller-process.ts')
      const log = createLogger({ component: 'controller', level: level() })
      const { POD_NAME } = process.env
      const running = await startControllerProcess({
        nats: options.nats,
        health: options.health,
        namespace: options.namespace,
        leaderElection: options.leaderElection,
        rateLimit: { requestsPerSecond: options.kubeApiQps, burst: options.kubeApiBurst },
        log,
        ...(options.agentImage === undefined
          ? {}
          : {
              agents: {
                namespace: options.namespace,
                image: options.agentImage,
                nats: options.nats,
                // Where the controller has to say who it is, so have its agents; and they believe whom it believes.
                natsCredentialsSecret: process.env.NATS_USER ? NATS_CREDENTIALS_SECRET : undefined,
                natsCaConfigMap: process.env.NATS_CA_FILE
                  ? process.env.NATS_CA_CONFIG_MAP || NATS_CA_CONFIG_MAP
                  : undefined,
              },
            }),
        ...(POD_NAME === undefined ? {} : { host: POD_NAME }),
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
      })
      done(await runUntilStopped(running, log))
    })
}

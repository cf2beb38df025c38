import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Cidr, parseCidr } from '../../api/values/cidr.ts'
import { createLogger } from '../../observe/log.ts'
import type { CommandContext } from '../command-context.ts'
import { DEFAULT_NAMESPACE } from '../defaults.ts'
import { healthOption } from '../health-option.ts'
import { type HostAndPort, port } from '../parse.ts'
import { runUntilStopped } from '../run-until-stopped.ts'

interface WebhookFlags {
  httpsPort: number
  namespace: string
  service: string
  serviceCidr: readonly Cidr[]
  kubeconfig?: string
  certificates?: string
  health: HostAndPort
}

const WEBHOOK_HEALTH = '127.0.0.1:8082'

export function addWebhookCommand(program: Command, { level, done }: CommandContext): void {
  program
    .command('webhook')
    .description('What a cluster asks before it stores an IPPool or a VirtualMachineNetworkConfig.')
    .option('--https-port <port>', 'where the API server calls', port, 8443)
    .option(
      '--namespace <name>',
      'where the webhook’s Service and the Secret of its certificate are',
      process.env.POD_NAMESPACE ?? DEFAULT_NAMESPACE,
    )
    .option('--service <name>', 'the Service by which the API server calls', 'managed-dhcp-webhook')
    .addOption(
      new Option(
        '--service-cidr <cidr>',
        'addresses of the cluster’s Services, where its API does not say them (before Kubernetes 1.33); may be repeated',
      )
        .default([], 'none')
        .argParser(anotherCidr),
    )
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, the pod’s service account, ~/.kube/config')
    .option(
      '--certificates <directory>',
      'tls.crt and tls.key of another’s making, e.g. cert-manager’s; default: it makes its own',
    )
    .addOption(healthOption(WEBHOOK_HEALTH))
    .action(async (options: WebhookFlags) => {
      const { startWebhookProcess } = await import('../../processes/webhook/webhook-process.ts')
      const log = createLogger({ component: 'webhook', level: level() })
      const running = await startWebhookProcess({
        httpsPort: options.httpsPort,
        namespace: options.namespace,
        service: options.service,
        serviceCidrs: options.serviceCidr,
        health: options.health,
        log,
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
        ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
      })
      done(await runUntilStopped(running, log))
    })
}

function anotherCidr(text: string, previous: readonly Cidr[]): readonly Cidr[] {
  try {
    return [...previous, parseCidr(text)]
  } catch (error) {
    throw new InvalidArgumentError(`${error instanceof Error ? error.message : String(error)}.`)
  }
}

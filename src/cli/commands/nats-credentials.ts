import { type Command, Option } from 'commander'
import { createLogger } from '../../observe/log.ts'
import { systemClock } from '../../runtime/system-clock.ts'
import { DEFAULT_NAMESPACE, NATS_CREDENTIALS_SECRET } from '../defaults.ts'

interface NatsCredentialsFlags {
  namespace: string
  secret: string
  kubeconfig?: string
}

export function addNatsCredentialsCommand(program: Command): void {
  program
    .command('nats-credentials')
    .description('Make the passwords of the message broker’s users where there are none; never change one.')
    .addOption(
      new Option('--namespace <namespace>', 'where the Secret is')
        .env('POD_NAMESPACE')
        .default(DEFAULT_NAMESPACE),
    )
    .option('--secret <name>', 'the Secret', NATS_CREDENTIALS_SECRET)
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, the pod’s service account, ~/.kube/config')
    .action(async ({ namespace, secret, kubeconfig }: NatsCredentialsFlags) => {
      const [{ createKubeStore }, { ensureNatsCredentials }] = await Promise.all([
        import('../../kube/client.ts'),
        import('../nats-credentials.ts'),
      ])
      const store = createKubeStore({
        log: createLogger({ component: 'nats-credentials', level: 'silent' }),
        clock: systemClock,
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
      })
      try {
        process.stdout.write(`${await ensureNatsCredentials(store, { namespace, name: secret })}\n`)
      } finally {
        store.close()
      }
    })
}

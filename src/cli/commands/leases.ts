import type { Command } from 'commander'
import type { ObjectKey } from '../../api/values/object-key.ts'
import { createLogger } from '../../observe/log.ts'
import { systemClock } from '../../runtime/system-clock.ts'
import { kubeconfigFor } from '../defaults.ts'
import { objectKey } from '../parse.ts'

export function addLeasesCommand(program: Command): void {
  program
    .command('leases')
    .description('Who has which address: of every IPPool, or of one.')
    .argument('[namespace/name]', 'the IPPool', objectKey)
    .option(
      '--kubeconfig <file>',
      'default: $KUBECONFIG, that of a standalone in this folder, ~/.kube/config',
    )
    .action(async (pool: ObjectKey | undefined, options: { kubeconfig?: string }) => {
      const [{ createKubeStore }, { listLeases }] = await Promise.all([
        import('../../kube/client.ts'),
        import('../leases.ts'),
      ])
      const kubeconfig = kubeconfigFor(options.kubeconfig)
      const log = createLogger({ component: 'leases', level: 'silent' })
      const store = createKubeStore({
        log,
        clock: systemClock,
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
      })
      process.stdout.write(await listLeases(store, pool))
      store.close()
    })
}
